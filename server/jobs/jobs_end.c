#include <string.h>

#include "jobs/jobs_eta.h"
#include "util/clock.h"

enum { ENDED_AT_ONCE = 64 };

void jobs_end_reason(enum ltd_status why, struct ltd_error *reason)
{
    if (why == LTD_ECLOSED)
        ltd_fail(reason, why, "the server is shutting down");
    else if (why == LTD_EDEADLINE)
        ltd_fail(reason, why, "not done before the deadline that the request had set");
    else
        ltd_fail(reason, why, "canceled before it ran");
}

void jobs_ended(struct jobs *jobs, struct live *live, struct job_record *job)
{
    struct job_record stored;

    if (jobs->store->ops->get(jobs->store, live->id, &stored) == JOB_FOUND) {
        job_record_fini(job);
        *job = stored;
    }
    if (live->removed && jobs->store->ops->remove(jobs->store, live->id))
        live_remove(&jobs->lives, live);
}

/* Under jobs->lock.  Whether it has ended by this, and *job is what there is to tell of it. */
static bool end_waiting(struct jobs *jobs, struct live *live, enum ltd_status why, struct job_record *job)
{
    const enum job_state state = why == LTD_EDEADLINE ? JOB_FAILED : JOB_CANCELED;
    struct ltd_error reason;

    jobs_end_reason(why, &reason);
    if (jobs->store->ops->get(jobs->store, live->id, job) != JOB_FOUND)
        *job = (struct job_record){0};
    if (!jobs->store->ops->end_waiting(jobs->store, live->id, state, &reason))
        return false;
    job->state = state;
    job->result.error = reason;
    live_end(&jobs->lives, live, state);
    jobs_ended(jobs, live, job);
    return job->request != NULL;
}

/* Under jobs->lock. */
static void end_running(struct jobs *jobs, struct live *live, enum ltd_status why)
{
    if (live->doom != LTD_OK)
        return;
    live->doom = why;
    jobs->store->ops->doom(jobs->store, live->id);
    atomic_store(&live->worker->cancel, true);
}

void jobs_end(struct jobs *jobs, const char *id, enum ltd_status why)
{
    struct job_record job = {0};
    struct live *live;
    bool ended = false;

    pthread_mutex_lock(&jobs->lock);
    live = live_find(&jobs->lives, id);
    if (jobs->closing)
        why = LTD_ECLOSED;
    if (live && live->worker)
        end_running(jobs, live, why);
    else if (live && !live->ended)
        ended = end_waiting(jobs, live, why, &job);
    jobs_unlock_and_tell(jobs);
    if (ended)
        jobs_tell_ended(jobs, &job, 0);
    job_record_fini(&job);
}

void jobs_cancel(struct jobs *jobs, const char *id)
{
    jobs_end(jobs, id, LTD_ECANCELED);
}

enum job_found jobs_remove(struct jobs *jobs, const char *id)
{
    enum job_found found;
    struct live *live;

    pthread_mutex_lock(&jobs->lock);
    found = jobs->store->ops->find(jobs->store, id);
    live = found == JOB_FOUND ? live_find(&jobs->lives, id) : NULL;
    if (live && live->ended && jobs->store->ops->remove(jobs->store, id))
        live_remove(&jobs->lives, live);
    else if (live)
        live->removed = true;
    pthread_mutex_unlock(&jobs->lock);
    jobs_end(jobs, id, LTD_ECANCELED);
    return found;
}

/* Whether the time of an unfinished job is up, and why. */
static bool is_due(const struct live *live, double now, enum ltd_status *why)
{
    *why = live->deadline > 0 && now >= live->deadline ? LTD_EDEADLINE : LTD_ECANCELED;
    return live->doom == LTD_OK &&
           (*why == LTD_EDEADLINE || (live->orphaned_until > 0 && now >= live->orphaned_until));
}

/* Ends some of those whose time is up; whether there may be more. */
static bool end_due(struct jobs *jobs)
{
    struct {
        char id[RANDOM_ID_SIZE];
        enum ltd_status why;
    } due[ENDED_AT_ONCE];
    const double now = clock_monotonic();
    size_t count = 0;

    pthread_mutex_lock(&jobs->lock);
    for (struct live *live = jobs->lives.unfinished.first; live && count < ENDED_AT_ONCE; live = live->next)
        if (is_due(live, now, &due[count].why))
            memcpy(due[count++].id, live->id, RANDOM_ID_SIZE);
    pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < count; i++)
        jobs_end(jobs, due[i].id, due[i].why);
    return count == ENDED_AT_ONCE;
}

/* Tells those who follow a waiting job where it stands now. */
static void tell_positions(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    for (struct live *live = jobs->lives.unfinished.first; live; live = live->next) {
        struct job_event event = {.type = JOB_EVENT_POSITION, .state = JOB_QUEUED};

        if (live->worker || !live_is_followed(live))
            continue;
        event.position = jobs->store->ops->position(jobs->store, live->id);
        if (event.position == live->position)
            continue;
        live->position = event.position;
        event.eta_s = jobs_eta_of(jobs, live);
        live_event(&jobs->lives, live, &event);
    }
    jobs_unlock_and_tell(jobs);
}

void jobs_tick(struct jobs *jobs)
{
    while (end_due(jobs))
        ;
    tell_positions(jobs);
    jobs->store->ops->expire(jobs->store);
    pthread_mutex_lock(&jobs->lock);
    lives_expire(&jobs->lives, jobs->store, clock_monotonic());
    pthread_mutex_unlock(&jobs->lock);
}
