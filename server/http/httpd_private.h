/*
 * httpd_private.h - what the files of httpd share.
 */
#ifndef HTTPD_PRIVATE_H
#define HTTPD_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/conn_table.h"
#include "http/desk.h"
#include "http/httpd.h"
#include "http/wait_list.h"

struct httpd {
    struct httpd_config config;
    const struct http_app *app;
    struct log *log;
    struct MHD_Daemon *daemon;
    bool parses_in_place; /* the library is a 0.9: see head_layout.h */
    struct conn_table conns;
    struct wait_list waits;
    struct desk desk;
    int hangup_epoll;     /* the sockets of waiting requests, for EPOLLRDHUP */
    pthread_t watcher;    /* runs httpd_watch */
    atomic_bool stop;     /* the watcher ends */
    size_t body_bytes;    /* of all bodies being held; HTTP thread only */
    int64_t noise_second; /* the library's own messages: at most some a second; HTTP thread only */
    int noise_count;
};

enum exchange_state {
    EXCHANGE_NEW,       /* nothing but the target is known */
    EXCHANGE_RECEIVING, /* the body is collected */
    EXCHANGE_REFUSED,   /* refused; the body is read and thrown away, then the reply goes out */
    EXCHANGE_CUT,       /* the last word is out; what still comes is thrown away */
    EXCHANGE_AT_DESK,   /* the handler runs on the desk's thread */
    EXCHANGE_WAITING,   /* the handler waits */
    EXCHANGE_ANSWERED   /* the reply is queued */
};

/* One request and its reply; lives from the target's arrival to the end of the reply.  HTTP thread only, but
 * for `wait`, which the wait list guards; while it is at the desk, the desk's thread alone may touch it. */
struct exchange {
    struct httpd *httpd;
    struct conn *conn;
    struct MHD_Connection *connection;
    enum exchange_state state;
    char *target;
    char method[24]; /* for the log, cut: the library's own copy may be gone when the exchange ends */
    struct http_request request;
    struct http_reply reply;
    const struct http_route *route;
    char *body;
    size_t body_room, body_seen;
    struct wait_entry wait;
    bool waits; /* wait is in the list */
    struct desk_item desk;
    enum http_next next; /* what the handler said at the desk */
    double start;        /* clock_monotonic */
    int logged_status;
};

/* Callbacks of the library; cls is the struct httpd. */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *size,
                                void **context);
void exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode why);

/* Calls the handler, now or again, and does what it says. */
enum MHD_Result exchange_run(struct exchange *x);
void exchange_stop_waiting(struct exchange *x);
void exchange_free_body(struct exchange *x);

/* Hands exchange->reply to the library.  MHD_NO ends the connection. */
enum MHD_Result exchange_send(struct exchange *x);

#endif
