/*
 * sse.h - server-sent events (WHATWG HTML, section 9.2) as pieces of a stream.
 */
#ifndef SSE_H
#define SSE_H

#include <stdint.h>

#include "http/http_message.h"
#include "util/blob.h"

enum { SSE_PING_S = 15 };

/* Sets status 200, the content type, the headers that keep caches and proxies from holding events back, and
 * the pings of reply->stream, whose self, next and free are the caller's. */
void sse_reply(struct http_reply *reply);

/* One event.  id 0: without an id; name NULL: without a name; each line of data becomes one of the event's.
 * NULL without memory. */
struct blob *sse_event(uint64_t id, const char *name, const char *data);

/* A comment, which clients skip; NULL without memory. */
struct blob *sse_ping(void);

#endif
