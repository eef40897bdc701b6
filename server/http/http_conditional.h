/*
 * http_conditional.h - bytes that a client may have already, or want a part of (RFC 9110 sections 13 and 14).
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <stdbool.h>

#include "http/http_message.h"
#include "util/blob.h"

/* Fills *reply: 200 with all of body, 304 when If-None-Match names it, 206 with the part that Range asks for
 * (one range; a Range of several, or in another unit, is answered with all), 416 when there is no such part.
 * If-Range is heeded.  Takes body, also NULL (no memory: 503).  etag: printable, without its quotes; the same
 * bytes always have the same; NULL: neither ETag nor 304. */
void http_reply_bytes(const struct http_request *request, struct http_reply *reply, const char *content_type,
                      struct blob *body, const char *etag);

/* Whether the client has what etag names, as If-None-Match says. */
bool http_request_knows(const struct http_request *request, const char *etag);

#endif
