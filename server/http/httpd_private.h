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
#include "http/http_cors.h"
#include "http/httpd.h"
#include "http/wait_list.h"

struct httpd {
    struct httpd_config config;
    const struct http_app *app;
    struct http_cors cors;
    struct log *log;
    struct MHD_Daemon *daemon;
    bool parses_in_place; /* the library is a 0.9: see head_layout.h */
    struct conn_table conns;
    struct wait_list waits;
    struct desk desk;
    int hangup_epoll;     /* the sockets of requests that have waited, for EPOLLRDHUP */
    pthread_t watcher;    /* runs httpd_watch */
    atomic_bool closing;  /* nobody may wait any more, and streams end */
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
    EXCHANGE_STREAMING, /* the reply is queued, and comes piece by piece */
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
    bool unframed; /* nobody knows where the request ends */
    struct wait_entry wait;
    bool waits;         /* wait is in the list */
    bool watched;       /* the socket is in hangup_epoll */
    struct blob *piece; /* of a stream, being sent */
    size_t piece_sent;
    bool stream_ended;  /* nothing follows `piece` */
    double quiet_since; /* the stream has sent nothing; clock_monotonic */
    size_t sent;        /* bytes of the body, handed to the library */
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

/* Everything that can be told from the head.  False: x->reply is the refusal, or all there is to say. */
bool exchange_admit(struct exchange *x);

/* Calls the handler, now or again, and does what it says. */
enum MHD_Result exchange_run(struct exchange *x);
/* Suspends the connection until the ticket is woken, or `until` has come; false when the server ends. */
bool exchange_park(struct exchange *x, double until);
void exchange_stop_waiting(struct exchange *x);
void exchange_free_body(struct exchange *x);

/* Hands exchange->reply to the library.  MHD_NO ends the connection. */
enum MHD_Result exchange_send(struct exchange *x);
/* Writes exchange->reply past the library, which takes none before the body's end or in the middle of it;
 * nothing else has been written for this request.  What the client still sends is read, so that the words
 * reach it. */
void exchange_say_last_word(struct exchange *x);
/* The reply whose body is exchange->reply.stream; NULL without memory. */
struct MHD_Response *exchange_new_stream(struct exchange *x);

#endif
