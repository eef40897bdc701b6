/*
 * http_guard.h - what a request's head must be before anything else looks at it.
 *
 * The HTTP library takes many heads that proxies read otherwise (two lengths, a length beside a transfer
 * coding, codings it does not know); those end here with 400 or 501 and a closed connection, so that nobody
 * can hide one request inside another.  RFC 9112 sections 3.2, 5.1, 6.1, 6.3.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

struct http_guard {
    bool check_host;                  /* loopback: only the names of this machine may be asked for */
    const char *const *allowed_hosts; /* besides localhost, 127.0.0.1 and [::1]; any port */
    size_t allowed_host_count;
    const char *listen_host; /* the name or address listened on, which is fine as well; NULL: none */
};

/* Version, header names, single headers, lengths and codings, Host.  False: *refusal says why. */
bool http_guard_check(const struct http_guard *guard, const struct http_request *request,
                      struct http_refusal *refusal);

/* Splits a raw request target into path and query, in place, without unescaping anything.  False when it is
 * not an absolute path, or has bytes that no path or query here needs. */
bool http_target_split(char *target, const char **path, const char **query);

/* Whether the request has a body: a length above 0 or a transfer coding.  *length is the declared length, 0
 * when none is. */
bool http_guard_has_body(const struct http_request *request, unsigned long long *length);

#endif
