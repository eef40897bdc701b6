/*
 * jobs.h - the one queue and the workers that empty it.
 *
 * Every picture anybody asks for is submitted here and made by one of the worker threads, each with its own
 * sessions.  A worker copies the job out, computes without any lock, and hands the result back.  Waiting for
 * a job means leaving a notification: a function, its argument and a number, called once when the job has
 * ended, on the thread that ended it and with no lock held.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/session.h>

#include "jobs/model_set.h"
#include "store/job.h"
#include "store/job_store.h"
#include "util/log.h"

struct jobs_config {
    int workers;
    int threads; /* compute threads of each */
};

struct job_notify {
    void (*call)(void *arg, uint64_t number);
    void *arg;
    uint64_t number;
};

/* How far a running job is. */
struct job_progress {
    enum ltd_phase phase;
    int image;       /* the one being made, from 0 */
    int step, steps; /* model evaluations of that image */
    double fraction; /* of the whole job, 0..1 */
};

/* A job and, while it runs, its progress. */
struct job_view {
    struct job_record record;
    struct job_progress progress;
};

struct jobs;

/* Makes the sessions and starts the workers.  Borrows store, models and log.  Errors: those of
 * ltd_session_new, LTD_ENOMEM, LTD_EIO a thread that does not start. */
LTD_MUST_USE enum ltd_status jobs_open(const struct jobs_config *config, struct job_store *store,
                                       const struct model_set *models, struct log *log, struct jobs **out,
                                       struct ltd_error *err);

/* Queues request, of which a reference is taken, and writes the job's id.  notify may be NULL; it may be
 * called before this returns.  Errors: LTD_ECLOSED after jobs_refuse; those of the store's add. */
LTD_MUST_USE enum ltd_status jobs_submit(struct jobs *jobs, struct job_request *request,
                                         const struct job_notify *notify, char id[RANDOM_ID_SIZE],
                                         struct ltd_error *err);

/* Copies a job to *out, which the caller ends with job_record_fini(&out->record), when it is found. */
enum job_found jobs_get(struct jobs *jobs, const char *id, struct job_view *out);

/* A job that waits ends at once, one that runs soon; one that has ended stays as it is. */
void jobs_cancel(struct jobs *jobs, const char *id);

/* Whether a submit would find no room now. */
bool jobs_are_full(struct jobs *jobs);
/* Seconds until there may be room, from how long jobs took so far; 1..3600. */
int jobs_retry_after(struct jobs *jobs);

/* Forgets old jobs; to be called about once a second. */
void jobs_expire(struct jobs *jobs);

/* The way out, in this order.  From jobs_refuse on, every submit fails with LTD_ECLOSED. */
void jobs_refuse(struct jobs *jobs);
bool jobs_are_idle(struct jobs *jobs); /* nothing waits or runs */
/* Cancels every job with LTD_ECLOSED as the reason, and waits for the workers; jobs_get still works. */
void jobs_stop(struct jobs *jobs);
void jobs_close(struct jobs *jobs); /* stops, and frees; NULL is fine */

#endif
