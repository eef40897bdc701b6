#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/jobs_eta.h"
#include "util/clock.h"

/* What one submit needs besides its job, made before anything is promised. */
struct prepared {
    struct live *live;       /* NULL once it is used */
    struct watcher *watcher; /* the same; NULL when nobody watches */
};

static enum ltd_status prepare(const struct jobs *jobs, const struct job_request *request,
                               const struct job_submit *how, struct prepared *out, struct ltd_error *err)
{
    assert(how->fingerprint || (!how->id && !how->key && !how->join));
    if (how->id && !random_id_is_valid(how->id))
        return ltd_fail(err, LTD_EINVAL, "the id of a job has 32 of the digits 0-9 and a-f");
    out->live = live_new();
    out->watcher = how->watch ? watcher_new(how->watch) : NULL;
    if (!out->live || (how->watch && !out->watcher))
        return ltd_fail(err, LTD_ENOMEM, "no memory for another job");
    out->live->detach = request->detach;
    if (request->deadline_s > 0)
        out->live->deadline = clock_monotonic() + request->deadline_s;
    return job_cost_count(jobs->models, request, jobs->config.threads, &out->live->cost, err);
}

static void unprepare(struct prepared *prepared)
{
    live_free(prepared->live);
    free(prepared->watcher);
}

static void add_queued(struct jobs *jobs, struct live *live, const char *id)
{
    struct job_event event = {.type = JOB_EVENT_QUEUED, .state = JOB_QUEUED};

    live_add(&jobs->lives, live, id);
    live->position = event.position = jobs->store->ops->position(jobs->store, id);
    event.eta_s = jobs_eta_of(jobs, live);
    live_event(&jobs->lives, live, &event);
}

/* Under jobs->lock: the store has the job. */
static void settle(struct jobs *jobs, const struct job_submit *how, struct prepared *prepared,
                   const struct job_added *added)
{
    struct live *live;

    if (!added->joined) {
        add_queued(jobs, prepared->live, added->id);
        prepared->live = NULL;
        pthread_cond_signal(&jobs->work);
    }
    live = live_find(&jobs->lives, added->id);
    live->orphaned_until = 0;
    live->has_holder |= !how->watch || !how->watch->wants_job;
    if (prepared->watcher)
        live_watch(&jobs->lives, live, prepared->watcher);
    prepared->watcher = NULL;
}

static enum ltd_status submit_all(struct jobs *jobs, const struct job_entry *entries,
                                  const struct job_submit *how, size_t count, struct prepared *prepared,
                                  struct job_added *added, struct ltd_error *err)
{
    enum ltd_status st;

    pthread_mutex_lock(&jobs->lock);
    st = jobs->refuse ? ltd_fail(err, LTD_ECLOSED, "the server is shutting down")
                      : jobs->store->ops->add(jobs->store, entries, count, added, err);
    for (size_t i = 0; st == LTD_OK && i < count; i++)
        settle(jobs, &how[i], &prepared[i], &added[i]);
    jobs_unlock_and_tell(jobs);
    return st;
}

enum ltd_status jobs_submit_many(struct jobs *jobs, struct job_request *const *requests,
                                 const struct job_submit *how, size_t count, struct job_submitted *out,
                                 struct ltd_error *err)
{
    struct job_entry *entries = calloc(count, sizeof *entries);
    struct job_added *added = calloc(count, sizeof *added);
    struct prepared *prepared = calloc(count, sizeof *prepared);
    enum ltd_status st = entries && added && prepared ? LTD_OK : LTD_ENOMEM;

    if (st != LTD_OK)
        ltd_fail(err, st, "no memory for so many jobs");
    for (size_t i = 0; st == LTD_OK && i < count; i++) {
        entries[i] = (struct job_entry){requests[i],  how[i].id,          how[i].key,
                                        how[i].group, how[i].fingerprint, how[i].join};
        st = prepare(jobs, requests[i], &how[i], &prepared[i], err);
    }
    if (st == LTD_OK)
        st = submit_all(jobs, entries, how, count, prepared, added, err);
    for (size_t i = 0; st == LTD_OK && i < count; i++) {
        memcpy(out[i].id, added[i].id, RANDOM_ID_SIZE);
        out[i].joined = added[i].joined;
        if (!added[i].joined)
            jobs_tell_created(jobs, added[i].id);
    }
    if (st != LTD_OK)
        jobs_tell_refused(jobs, st);
    for (size_t i = 0; prepared && i < count; i++)
        unprepare(&prepared[i]);
    free(prepared);
    free(added);
    free(entries);
    return st;
}

enum ltd_status jobs_submit(struct jobs *jobs, struct job_request *request, const struct job_submit *how,
                            struct job_submitted *out, struct ltd_error *err)
{
    return jobs_submit_many(jobs, &request, how, 1, out, err);
}

enum ltd_status jobs_retry(struct jobs *jobs, const char *id, const struct job_submit *how,
                           struct job_submitted *out, enum job_found *found, struct ltd_error *err)
{
    struct job_record job;
    enum ltd_status st;

    *found = jobs->store->ops->get(jobs->store, id, &job);
    if (*found != JOB_FOUND)
        return ltd_fail(err, *found == JOB_NO_MEMORY ? LTD_ENOMEM : LTD_ENOTFOUND, "there is no such job");
    if (job_state_is_final(job.state))
        st = jobs_submit(jobs, job.request, how, out, err);
    else
        st = ltd_fail(err, LTD_ECONFLICT, "the job has not ended yet; cancel it first");
    job_record_fini(&job);
    return st;
}
