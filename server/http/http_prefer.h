/*
 * http_prefer.h - what a client would like but does not insist on (RFC 7240).
 */
#ifndef HTTP_PREFER_H
#define HTTP_PREFER_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

/* Copies the value of the preference `name` (in any case), without quotes and cut to size bytes with its end,
 * "" when it has none; false when the client has no such preference.  Of several the first counts, over all
 * Prefer headers. */
bool http_request_prefer(const struct http_request *request, const char *name, char *value, size_t size);

#endif
