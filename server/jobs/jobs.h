/*
 * jobs.h - the one queue and the workers that empty it.
 *
 * Every picture anybody asks for is submitted here and made by one of the worker threads, each with its own
 * session.  A worker copies the job out, computes without any lock, and hands the result back.
 *
 * What happens to a job stands in its log of events.  Waiting for one means leaving a watch: a function, its
 * argument and a number, called with no lock held on whichever thread made the event happen.  A call may be
 * under way, and arrive, after the watch is gone: so arg must live as long as the queue, and numbers are not
 * used twice.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <latentd/error.h>

#include "jobs/job_event.h"
#include "jobs/model_digest.h"
#include "jobs/model_set.h"
#include "jobs/worker.h"
#include "store/job.h"
#include "store/job_store.h"
#include "util/log.h"

/* Writes what stands in picture `index` of a request.  label: the model's name and digest.  Errors:
 * LTD_ENOMEM. */
typedef enum ltd_status picture_texts_fn(const struct job_request *request, const struct ltd_model *model,
                                         struct ltd_model_label label, int index, struct picture_texts *out,
                                         struct ltd_error *err);

struct jobs_config {
    int workers;
    int threads;     /* compute threads of each */
    double detach_s; /* how long a job whose clients have all gone away is left running, if it may be */
    picture_texts_fn *texts;
    struct model_digests *digests; /* borrowed; NULL: none is ever known */
};

struct job_notify {
    void (*call)(void *arg, uint64_t number);
    void *arg;
    uint64_t number;
};

/* What somebody wants to be told of a job. */
struct job_watch {
    struct job_notify notify;
    /* false: one call, when the job has ended.  true: a call after every event with a number above `after`
     * (several events may share one), at once when there is such an event already; until jobs_unwatch. */
    bool every_event;
    uint64_t after;
    bool previews;  /* of every_event: they are made while this watch stands */
    bool wants_job; /* the job is for this client: see jobs_abandon */
};

/* A job and, while it runs, its progress. */
struct job_view {
    struct job_record record;
    struct job_progress progress;
    double eta_s;        /* until it ends, as known now; 0 when it has */
    uint64_t last_event; /* number of its newest event; 0: none */
};

/* How a request becomes a job.  All of it is borrowed for the length of the call. */
struct job_submit {
    const char *id;             /* chosen by the client, see struct job_entry; NULL: drawn */
    const char *key;            /* idempotency key, with its family before it ("native:KEY"); NULL: none */
    const char *group;          /* batch id; NULL: none */
    const uint8_t *fingerprint; /* [SHA256_SIZE] of what was asked, as sent; needed with id, key and join */
    bool join;                  /* join a job of the same fingerprint that waits, runs or succeeded, if any */
    const struct job_watch *watch; /* NULL: none */
};

struct job_submitted {
    char id[RANDOM_ID_SIZE];
    bool joined; /* there is no new job: this one was there */
};

struct jobs;

/* Measures for a tenth of a second how fast this machine is, makes the sessions and starts the workers.
 * Borrows store, models and log.  Errors: those of ltd_session_new, LTD_ENOMEM, LTD_EIO a thread that does
 * not start. */
LTD_MUST_USE enum ltd_status jobs_open(const struct jobs_config *config, struct job_store *store,
                                       const struct model_set *models, struct log *log, struct jobs **out,
                                       struct ltd_error *err);

/* Queues request, of which a reference is taken, or joins a job that is there.  The watch may be called
 * before this returns.  A job is everybody's who submitted or joined it; one that somebody submitted without
 * a watch that wants_job is kept whoever hangs up.
 * Errors: LTD_EINVAL an id that has not the form of one; LTD_ECLOSED after jobs_refuse; those of the store's
 * add. */
LTD_MUST_USE enum ltd_status jobs_submit(struct jobs *jobs, struct job_request *request,
                                         const struct job_submit *how, struct job_submitted *out,
                                         struct ltd_error *err);

/* The same for count requests, all or none; how[count], out[count]. */
LTD_MUST_USE enum ltd_status jobs_submit_many(struct jobs *jobs, struct job_request *const *requests,
                                              const struct job_submit *how, size_t count,
                                              struct job_submitted *out, struct ltd_error *err);

/* Queues the request of a job that has ended once more, just as it was resolved.  Anything but JOB_FOUND in
 * *found: there is no such job, and the answer is LTD_ENOTFOUND.  Other errors: LTD_ECONFLICT it has not
 * ended; those of jobs_submit. */
LTD_MUST_USE enum ltd_status jobs_retry(struct jobs *jobs, const char *id, const struct job_submit *how,
                                        struct job_submitted *out, enum job_found *found,
                                        struct ltd_error *err);

/* Copies a job to *out, which the caller ends with job_record_fini(&out->record), when it is found. */
enum job_found jobs_get(struct jobs *jobs, const char *id, struct job_view *out);

/* Copies up to room jobs to out[*count], newest first.  Errors: those of the store's list. */
LTD_MUST_USE enum ltd_status jobs_list(struct jobs *jobs, const struct job_filter *filter,
                                       struct job_view *out, size_t room, size_t *count, bool *more,
                                       struct ltd_error *err);

/* Leaves a watch, when the job is found; of one that has ended, a watch for the end is called at once. */
enum job_found jobs_watch(struct jobs *jobs, const char *id, const struct job_watch *watch);
/* Takes away the watch with that number.  Its client goes on without it: a job that was for this client is
 * kept whoever hangs up from now on.  No such watch: nothing happens. */
void jobs_unwatch(struct jobs *jobs, const char *id, uint64_t number);
/* The client of the watch with that number has gone.  When it was the last one for whom the job is, the job
 * is canceled: at once, or, where its request says detach, in detach_s unless it ends before or is joined. */
void jobs_abandon(struct jobs *jobs, const char *id, uint64_t number);

/* Copies the oldest `room` events with a number above `after`, each to be ended with job_event_fini; how many
 * there were.  *ended: the job has ended (or is not there), and no event follows these. */
size_t jobs_events(struct jobs *jobs, const char *id, uint64_t after, struct job_event *out, size_t room,
                   bool *ended);

/* The newest preview of a running job, of which the caller gets a reference, or NULL while there is none, and
 * the number of its event.  Asking makes the worker make some for the next seconds. */
enum job_found jobs_preview(struct jobs *jobs, const char *id, struct blob **png, uint64_t *number);

/* A job that waits ends at once, one that runs soon; one that has ended stays as it is. */
void jobs_cancel(struct jobs *jobs, const char *id);

/* Forgets a job: one that has ended or waits at once, one that runs once its canceling is through.  What was
 * found; from then on it is JOB_EXPIRED. */
enum job_found jobs_remove(struct jobs *jobs, const char *id);

/* One running job as the queue shows it. */
struct job_running {
    char id[RANDOM_ID_SIZE];
    struct job_progress progress;
    double eta_s; /* until it ends */
};

enum { JOBS_MAX_WORKERS = 64 };

struct job_queue_view {
    int waiting, limit, workers, running_count;
    struct job_running running[JOBS_MAX_WORKERS]; /* [running_count] */
    double eta_s;                                 /* until a job submitted now would start */
};

void jobs_queue(struct jobs *jobs, struct job_queue_view *out);

/* What a job would take. */
struct job_estimate {
    double seconds;       /* of running, all its images */
    double wait_s;        /* in the queue before, if it were submitted now */
    size_t scratch_bytes; /* of memory while it runs */
    int position;         /* in the queue, from 1; 0: it would run at once */
};

/* Tells it without submitting anything.  Errors: those of ltd_params_cost. */
LTD_MUST_USE enum ltd_status jobs_estimate(struct jobs *jobs, const struct job_request *request,
                                           struct job_estimate *out, struct ltd_error *err);

/* Whether a submit would find no room now. */
bool jobs_are_full(struct jobs *jobs);
/* Seconds until a worker takes a job from the queue, as known now; 1..3600. */
int jobs_retry_after(struct jobs *jobs);

/* Who counts jobs, or tells others about them.  Called with no lock held, on the thread that did it; calls
 * for one job may overtake each other.  Must be quick, and must not call back into the queue but for
 * jobs_get. Any may be NULL.  Records are lent for the call. */
struct job_observer {
    void *self;
    void (*created)(void *self, const struct job_record *job); /* a new one, not joined */
    void (*refused)(void *self, enum ltd_status why);          /* a submit failed */
    void (*started)(void *self, const struct job_record *job);
    void (*ended)(void *self, const struct job_record *job, double run_s); /* run_s 0: it never ran */
    void (*step)(void *self, double seconds);                              /* one sampler step */
};

enum { JOBS_MAX_OBSERVERS = 4 };

/* Before the first submit, at most JOBS_MAX_OBSERVERS; *observer is copied. */
void jobs_observe(struct jobs *jobs, const struct job_observer *observer);

/* Forgets old jobs, ends those whose time is up, tells positions; to be called ten times a second. */
void jobs_tick(struct jobs *jobs);

/* The way out, in this order.  From jobs_refuse on, every submit fails with LTD_ECLOSED. */
void jobs_refuse(struct jobs *jobs);
bool jobs_are_idle(struct jobs *jobs); /* nothing waits or runs */
/* Cancels every job with LTD_ECLOSED as the reason, and waits for the workers; jobs_get still works. */
void jobs_stop(struct jobs *jobs);
void jobs_close(struct jobs *jobs); /* stops, and frees; NULL is fine */

#endif
