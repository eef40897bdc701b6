#include <assert.h>

#include "jobs/jobs_private.h"

void jobs_unlock_and_tell(struct jobs *jobs)
{
    enum { AT_ONCE = 32 };
    struct job_notify due[AT_ONCE];
    size_t count;

    for (;;) {
        count = lives_take_due(&jobs->lives, due, AT_ONCE);
        pthread_mutex_unlock(&jobs->lock);
        for (size_t i = 0; i < count; i++)
            due[i].call(due[i].arg, due[i].number);
        if (count < AT_ONCE)
            return;
        pthread_mutex_lock(&jobs->lock);
    }
}

void jobs_observe(struct jobs *jobs, const struct job_observer *observer)
{
    assert(jobs->observer_count < JOBS_MAX_OBSERVERS);
    jobs->observers[jobs->observer_count++] = *observer;
}

void jobs_tell_created(struct jobs *jobs, const char *id)
{
    struct job_record job;

    if (jobs->observer_count == 0 || jobs->store->ops->get(jobs->store, id, &job) != JOB_FOUND)
        return;
    for (size_t i = 0; i < jobs->observer_count; i++)
        if (jobs->observers[i].created)
            jobs->observers[i].created(jobs->observers[i].self, &job);
    job_record_fini(&job);
}

void jobs_tell_refused(struct jobs *jobs, enum ltd_status why)
{
    for (size_t i = 0; i < jobs->observer_count; i++)
        if (jobs->observers[i].refused)
            jobs->observers[i].refused(jobs->observers[i].self, why);
}

void jobs_tell_started(struct jobs *jobs, const struct job_record *job)
{
    for (size_t i = 0; i < jobs->observer_count; i++)
        if (jobs->observers[i].started)
            jobs->observers[i].started(jobs->observers[i].self, job);
}

void jobs_tell_ended(struct jobs *jobs, const struct job_record *job, double run_s)
{
    for (size_t i = 0; i < jobs->observer_count; i++)
        if (jobs->observers[i].ended)
            jobs->observers[i].ended(jobs->observers[i].self, job, run_s);
}

void jobs_tell_step(struct jobs *jobs, double seconds)
{
    for (size_t i = 0; i < jobs->observer_count; i++)
        if (jobs->observers[i].step)
            jobs->observers[i].step(jobs->observers[i].self, seconds);
}
