/*
 * httpd.h - HTTP/1.1 over libmicrohttpd: one thread that serves every connection, one that watches them, and
 * one, the desk, for handlers that take long.
 *
 * It knows no routes and no JSON; both come with struct http_app.  A handler never waits: it returns
 * HTTP_WAIT, its connection is put aside, and httpd_wake(ticket), from any thread, makes the HTTP thread call
 * it again.  A stream that has nothing to say is put aside and woken in the same way.  While a request waits
 * or streams, its client is watched; one that hangs up is reported to abandon().
 */
#ifndef HTTPD_H
#define HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "http/desk.h"
#include "http/http_guard.h"
#include "http/http_message.h"
#include "http/http_route.h"
#include "util/log.h"

/* Paths that start like this belong to a family. */
struct http_prefix {
    const char *path;
    enum http_family family;
};

/* What is above HTTP.  Everything is borrowed until httpd_close. */
struct http_app {
    void *self; /* first argument of the handlers and of these functions */
    const struct http_route *routes;
    size_t route_count;
    const struct http_prefix *prefixes; /* the family of paths that have no route; others are native */
    size_t prefix_count;
    /* Makes the reply to a request that no handler saw, in the form of request->family; on the HTTP thread.
     */
    void (*refuse)(void *self, const struct http_request *request, const struct http_refusal *refusal,
                   struct http_reply *reply);
    /* The client of a waiting or streaming request hung up; once, on the watching or the HTTP thread.  note
     * is what the handler had written into request->note. */
    void (*abandon)(void *self, const char *note, uint64_t ticket);
    /* A reply has ended, or its connection has (status 499 when its client went away before there was one);
     * route is NULL when none fitted; seconds from the request's first line, sent bytes of the body.  The
     * request's headers are gone.  On the HTTP thread.  NULL: nobody asks. */
    void (*done)(void *self, const struct http_request *request, const struct http_route *route, int status,
                 double seconds, size_t sent);
};

struct httpd_config {
    int listen_fd; /* listening, not blocking; stays the caller's */
    struct http_guard guard;
    size_t max_body; /* bytes of one body; all together may have four times as many, or small ones more */
    unsigned connection_limit; /* connections at the same time */
    /* The origins whose pages may use this server from a browser: exact ones, or "*" for all. */
    const char *const *cors_origins;
    size_t cors_origin_count;
};

struct httpd;

/* Starts serving.  Borrows app and log.  Errors: LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status httpd_open(const struct httpd_config *config, const struct http_app *app,
                                        struct log *log, struct httpd **out, struct ltd_error *err);

/* What the request with this ticket waited for has happened.  Unknown tickets are fine.  Any thread. */
void httpd_wake(struct httpd *httpd, uint64_t ticket);

/* Has item run at the desk, for a stream that has more than a moment's work to do.  Whatever is left at the
 * end is run before httpd_close returns. */
void httpd_bring(struct httpd *httpd, struct desk_item *item);

/* What is going on now. */
struct httpd_load {
    size_t connections;
    size_t waiting; /* of these, whose request waits, is at the desk, or is answered by a stream */
};

void httpd_look(struct httpd *httpd, struct httpd_load *out); /* any thread */

/* Accepts no more connections, wakes every request that still waits, gives replies up to flush_ms to leave,
 * and stops.  Other threads than httpd's own must not call httpd_wake any more.  NULL is fine. */
void httpd_close(struct httpd *httpd, int flush_ms);

#endif
