/*
 * jobs_private.h - the queue as its own files see it.
 */
#ifndef JOBS_PRIVATE_H
#define JOBS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "jobs/jobs.h"
#include "jobs/live.h"

/* One worker thread and the job it has at hand. */
struct worker {
    struct jobs *jobs;
    struct ltd_session *session; /* this thread's alone */
    pthread_t thread;
    bool started;
    atomic_bool cancel, wants_preview; /* read by the session while it computes */
    struct live *live;                 /* guarded by jobs->lock; NULL while idle */
    struct job_progress progress;      /* guarded by jobs->lock */
    double moved_at;                   /* guarded by jobs->lock: clock_monotonic of that progress */
    double stepping_s;                 /* guarded by jobs->lock: of the job's steps so far */
    int steps_made;                    /* guarded by jobs->lock */
    double stepped_at;                 /* clock_monotonic; this thread's alone */
};

struct jobs {
    struct job_store *store;
    const struct model_set *models;
    struct log *log;
    struct jobs_config config;
    int worker_count;
    struct worker *workers;
    struct job_observer observers[JOBS_MAX_OBSERVERS]; /* constant from the first submit on */
    size_t observer_count;
    pthread_mutex_t lock; /* guards all below; the store's own lock comes after it */
    pthread_cond_t work;  /* a job was added, or stop was set */
    bool refuse, stop, closing;
    struct lives lives;
    struct cost_model *costs;
};

/* Whoever changed something under jobs->lock leaves it with this, which then calls those who are to be told.
 */
void jobs_unlock_and_tell(struct jobs *jobs);

/* Everybody who observes; without jobs->lock. */
void jobs_tell_created(struct jobs *jobs, const char *id);
void jobs_tell_refused(struct jobs *jobs, enum ltd_status why);
void jobs_tell_started(struct jobs *jobs, const struct job_record *job);
void jobs_tell_ended(struct jobs *jobs, const struct job_record *job, double run_s);
void jobs_tell_step(struct jobs *jobs, double seconds);

/* Ends a job that waits, and makes one that runs end soon: with LTD_ECANCELED or LTD_ECLOSED as canceled,
 * with LTD_EDEADLINE as failed.  Without jobs->lock. */
void jobs_end(struct jobs *jobs, const char *id, enum ltd_status why);
/* The error of a job that was ended so. */
void jobs_end_reason(enum ltd_status why, struct ltd_error *reason);
/* What follows when the store has ended a job, under jobs->lock: *job, which says at least how, becomes what
 * the store has of it, and it is forgotten if it was to be. */
void jobs_ended(struct jobs *jobs, struct live *live, struct job_record *job);

/* The one place where a view is filled from what lives; under jobs->lock, view->record is filled. */
void jobs_fill_view(const struct jobs *jobs, struct job_view *view);

#endif
