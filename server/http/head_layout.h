/*
 * head_layout.h - whether a head stood on the wire as RFC 9112 writes it.
 *
 * libmicrohttpd 0.9 takes a zero byte as the end of a value, a header line without a name as the end of the
 * head (what follows it is then the body, or the next request), bare line feeds as line ends, and glues a
 * folded line to the name before it.  It hides all that from its callers, but it parses in place: in its
 * buffer the bytes stand as they came, with zeros for the spaces of the first line, the colons and each byte
 * of the line ends.
 */
#ifndef HEAD_LAYOUT_H
#define HEAD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

/* head[0..size) is that buffer: request->method, version and headers point into it; target_length is how long
 * the raw target was.  False: bytes are left over, or missing, between them. */
bool head_layout_is_plain(const char *head, size_t size, const struct http_request *request,
                          size_t target_length);

#endif
