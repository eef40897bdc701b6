/*
 * webhooks.h - tells others what becomes of jobs, by HTTP POST (Standard Webhooks).
 *
 * A job's end, or its start where that is asked for, becomes a delivery: its body is written at once, and one
 * thread sends all of them.  A delivery is tried up to WEBHOOK_MAX_TRIES times, with growing pauses, until a
 * status 2xx comes; 410, or an address that may not be reached, ends it at once.  What came of each try can
 * be read as long as the newest few thousand deliveries are remembered.  Deliveries live as long as the
 * process.
 *
 * NULL stands for webhooks that are off, wherever a struct webhooks is taken.
 */
#ifndef WEBHOOKS_H
#define WEBHOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "jobs/jobs.h"
#include "util/blob.h"
#include "util/log.h"
#include "webhook/webhook_policy.h"
#include "webhook/webhook_signature.h"

enum { WEBHOOK_MAX_TRIES = 5 };

struct webhooks;

struct webhooks_config {
    struct webhook_secrets secrets; /* at least one */
    const char *const *allow; /* [allow_count], as webhook_policy_init takes it; borrowed until the end */
    size_t allow_count;
    const char *const *ports; /* [port_count] */
    size_t port_count;
    double retry_s; /* the first pause; each is 2.5 times the one before it, give or take a fifth */
    /* Writes the body that tells of a job; NULL without memory. */
    struct blob *(*encode)(const void *arg, enum webhook_event event, const struct job_record *job);
    const void *arg;
};

enum delivery_state { DELIVERY_PENDING, DELIVERY_DONE, DELIVERY_FAILED };
const char *delivery_state_name(enum delivery_state state); /* "pending", "delivered", "failed" */

struct delivery_try {
    int64_t at_ms; /* since 1970 */
    int status;    /* of the answer; 0: none came */
    double seconds;
    char error[96]; /* why it was no success; "": it was one */
};

/* What has become of one message. */
struct delivery {
    char id[RANDOM_ID_SIZE];  /* webhook-id is "msg_" and this, in every try */
    char job[RANDOM_ID_SIZE]; /* "": a test */
    const char *event;        /* "job.succeeded"; static storage */
    enum delivery_state state;
    struct delivery_try tries[WEBHOOK_MAX_TRIES];
    int try_count;
    int64_t created_ms, next_ms; /* since 1970; next_ms 0: no other try is planned */
};

/* Starts the sender.  Borrows log.  Errors: LTD_EINVAL a host, range or port that is none; LTD_EUNSUPPORTED a
 * build without webhooks; LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status webhooks_open(const struct webhooks_config *config, struct log *log,
                                           struct webhooks **out, struct ltd_error *err);

/* Delivers what jobs tell from now on; before the first submit. */
void webhooks_observe(struct webhooks *webhooks, struct jobs *jobs);

/* Whether a job may name this URL.  False: why, of size bytes, says what is wrong with it, or that webhooks
 * are off. */
bool webhooks_take(const struct webhooks *webhooks, const char *url, char *why, size_t size);

/* Copies `room` deliveries of a job, newest first; how many. */
size_t webhooks_of_job(struct webhooks *webhooks, const char *job, struct delivery *out, size_t room);

/* Sends body once, and writes the delivery's id.  notify is called when it is over.  A reference to body is
 * taken.  Errors: LTD_EINVAL a URL that webhooks_take refuses; LTD_EFULL too much waits already; LTD_ECLOSED
 * the server ends; LTD_ENOMEM, LTD_EIO. */
LTD_MUST_USE enum ltd_status webhooks_test(struct webhooks *webhooks, const char *url, struct blob *body,
                                           const struct job_notify *notify, char id[RANDOM_ID_SIZE],
                                           struct ltd_error *err);
/* Copies a delivery; false: nobody remembers it. */
bool webhooks_get(struct webhooks *webhooks, const char *id, struct delivery *out);

/* So far, tests included; a delivery that is tried again counts as retried each time. */
struct webhook_counts {
    unsigned long delivered, failed, retried;
};

struct webhook_counts webhooks_count(struct webhooks *webhooks);

/* Takes nothing new, gives what has not been tried yet up to `seconds`, and ends the sender; what is left has
 * failed, and tests that still wait are notified.  Everything can still be read. */
void webhooks_stop(struct webhooks *webhooks, double seconds);
void webhooks_close(struct webhooks *webhooks); /* stops at once, and frees */

#endif
