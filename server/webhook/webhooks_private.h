/*
 * webhooks_private.h - deliveries as the module's own files see them.
 */
#ifndef WEBHOOKS_PRIVATE_H
#define WEBHOOKS_PRIVATE_H

#include <pthread.h>

#include "webhook/webhooks.h"

/* One delivery.  While it is pending, only the sender moves it, and url and body stay as they are. */
struct message {
    struct delivery told; /* guarded by webhooks->lock */
    char *url;            /* NULL once it is over, as body */
    struct blob *body;
    bool named;               /* the URL's host is allowed by its name */
    int most_tries;           /* constant */
    double due;               /* clock_monotonic of the next try */
    bool in_flight;           /* a try is under way */
    struct job_notify notify; /* call NULL: nobody is told */
    struct message *next, *previous;
};

struct message_list {
    struct message *first, *last; /* oldest first */
    size_t count;
};

struct webhooks {
    struct webhook_policy policy; /* constant, as all up to the lock */
    struct webhook_secrets secrets;
    double retry_s;
    struct blob *(*encode)(const void *arg, enum webhook_event event, const struct job_record *job);
    const void *arg;
    struct log *log;
    void *multi; /* libcurl's; the sender's but for waking it */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards all below; a leaf */
    struct message_list pending, over;
    size_t pending_bytes; /* of bodies */
    struct webhook_counts counts;
    bool stop;      /* nothing new is taken */
    double stop_at; /* clock_monotonic when the sender ends at the latest; once stop is set */
};

/* How a try ended. */
struct outcome {
    int status; /* 0: no answer */
    double seconds;
    const char *error; /* NULL: none; static storage */
    bool final;        /* trying again would be of no use */
};

/* Takes a message whose time has come for a try; NULL: none. */
struct message *webhooks_take_due(struct webhooks *webhooks, double now);
/* When the next one is due, or `latest` when none is before; clock_monotonic. */
double webhooks_next_due(struct webhooks *webhooks, double latest);
/* Hands it back. */
void webhooks_give_back(struct webhooks *webhooks, struct message *message, const struct outcome *outcome);
/* Whether the sender is to end now. */
bool webhooks_are_over(struct webhooks *webhooks, double now);

/* The sender: starts, wakes and ends its thread, and frees what it used. */
enum ltd_status webhook_sender_start(struct webhooks *webhooks, struct ltd_error *err);
void webhook_sender_wake(struct webhooks *webhooks);
void webhook_sender_join(struct webhooks *webhooks);
void webhook_sender_free(struct webhooks *webhooks);

/* One try under way. */
struct transfer {
    struct webhooks *webhooks;
    struct message *message;
    void *easy;            /* libcurl's */
    void *headers;         /* libcurl's list */
    double started;        /* clock_monotonic */
    size_t received;       /* bytes of the answer */
    bool refused;          /* an address that may not be reached was in the way */
    struct transfer *next; /* of those under way */
};

/* NULL without memory. */
struct transfer *transfer_new(struct webhooks *webhooks, struct message *message);
void transfer_free(struct transfer *transfer);
/* What it came to; code is libcurl's. */
struct outcome transfer_outcome(const struct transfer *transfer, int code);

#endif
