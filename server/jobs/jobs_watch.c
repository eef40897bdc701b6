#include <stdlib.h>

#include "jobs/jobs_private.h"
#include "util/clock.h"

/* How long a look at the preview makes the worker go on making some. */
static const double preview_s = 5;

enum job_found jobs_watch(struct jobs *jobs, const char *id, const struct job_watch *watch)
{
    struct watcher *watcher = watcher_new(watch);
    enum job_found found;
    struct live *live;

    if (!watcher)
        return JOB_NO_MEMORY;
    pthread_mutex_lock(&jobs->lock);
    found = jobs->store->ops->find(jobs->store, id);
    live = found == JOB_FOUND ? live_find(&jobs->lives, id) : NULL;
    if (live) {
        live_watch(&jobs->lives, live, watcher);
        watcher = NULL;
        if (live->worker && live_wants_previews(live, clock_monotonic()))
            atomic_store(&live->worker->wants_preview, true);
    }
    jobs_unlock_and_tell(jobs);
    free(watcher);
    return found;
}

void jobs_unwatch(struct jobs *jobs, const char *id, uint64_t number)
{
    bool wanted_job = false;
    struct live *live;

    pthread_mutex_lock(&jobs->lock);
    live = live_find(&jobs->lives, id);
    if (live && live_unwatch(&jobs->lives, live, number, &wanted_job))
        live->has_holder |= wanted_job;
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_abandon(struct jobs *jobs, const char *id, uint64_t number)
{
    bool wanted_job = false, orphan = false, detached = false;
    struct live *live;

    pthread_mutex_lock(&jobs->lock);
    live = live_find(&jobs->lives, id);
    if (live && live_unwatch(&jobs->lives, live, number, &wanted_job) && wanted_job) {
        orphan = !live->ended && !live->has_holder && !live_is_wanted(live);
        detached = live->detach;
    }
    if (orphan && detached)
        live->orphaned_until = clock_monotonic() + jobs->config.detach_s;
    pthread_mutex_unlock(&jobs->lock);
    if (orphan && !detached)
        jobs_end(jobs, id, LTD_ECANCELED);
}

size_t jobs_events(struct jobs *jobs, const char *id, uint64_t after, struct job_event *out, size_t room,
                   bool *ended)
{
    struct live *live;
    size_t count = 0;

    pthread_mutex_lock(&jobs->lock);
    live = live_find(&jobs->lives, id);
    if (live)
        count = event_log_copy(&live->log, after, out, room);
    *ended = !live || (live->ended && (count == 0 || out[count - 1].number == live->log.last));
    pthread_mutex_unlock(&jobs->lock);
    return count;
}

enum job_found jobs_preview(struct jobs *jobs, const char *id, struct blob **png, uint64_t *number)
{
    const struct job_event *newest = NULL;
    enum job_found found;
    struct live *live;

    *png = NULL;
    *number = 0;
    pthread_mutex_lock(&jobs->lock);
    found = jobs->store->ops->find(jobs->store, id);
    live = found == JOB_FOUND ? live_find(&jobs->lives, id) : NULL;
    if (live && !live->ended) {
        newest = event_log_preview(&live->log);
        live->previewed_until = clock_monotonic() + preview_s;
        if (live->worker)
            atomic_store(&live->worker->wants_preview, true);
    }
    if (newest) {
        *png = blob_ref(newest->picture);
        *number = newest->number;
    }
    pthread_mutex_unlock(&jobs->lock);
    return found;
}
