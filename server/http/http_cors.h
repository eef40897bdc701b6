/*
 * http_cors.h - which pages of other origins a browser may let use this server (WHATWG Fetch, section 3.2).
 *
 * The answer is never made from what the request says: an origin is allowed when the list has it, and what
 * goes out is the list's own text.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

struct http_cors {
    const char *const *origins; /* "https://ui.example", or "*" for all */
    size_t count;
};

/* Whether text is an origin as browsers send it, scheme://host[:port], or "*". */
bool http_cors_is_origin(const char *text);

/* What an Access-Control-Allow-Origin of the reply says; NULL: none. */
const char *http_cors_allows(const struct http_cors *cors, const struct http_request *request);
/* Whether replies differ by origin, so that caches must know. */
bool http_cors_varies(const struct http_cors *cors);

/* Header names for replies: what pages may read, and what they may send. */
extern const char http_cors_exposed[], http_cors_accepted[];

/* Whether request is a preflight. */
bool http_cors_is_preflight(const struct http_request *request);

/* Browsers send some requests of foreign pages without asking first: forms, and what has no JSON.  Those that
 * may change something are refused unless their page is this server's own or its origin is allowed.  False:
 * *refusal says so. */
bool http_cors_check(const struct http_cors *cors, const struct http_request *request,
                     struct http_refusal *refusal);

#endif
