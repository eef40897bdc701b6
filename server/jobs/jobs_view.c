#include <stdlib.h>
#include <string.h>

#include "jobs/jobs_eta.h"

void jobs_fill_view(const struct jobs *jobs, struct job_view *view)
{
    struct live *live = live_find(&jobs->lives, view->record.id);

    view->progress = live && live->worker ? live->worker->progress : (struct job_progress){0};
    view->last_event = live ? live->log.last : 0;
    view->eta_s = live ? jobs_eta_of(jobs, live) : 0;
}

enum job_found jobs_get(struct jobs *jobs, const char *id, struct job_view *out)
{
    enum job_found found;

    pthread_mutex_lock(&jobs->lock);
    found = jobs->store->ops->get(jobs->store, id, &out->record);
    if (found == JOB_FOUND)
        jobs_fill_view(jobs, out);
    pthread_mutex_unlock(&jobs->lock);
    return found;
}

enum ltd_status jobs_list(struct jobs *jobs, const struct job_filter *filter, struct job_view *out,
                          size_t room, size_t *count, bool *more, struct ltd_error *err)
{
    struct job_record *records = calloc(room, sizeof *records);
    enum ltd_status st;

    if (!records)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the list of jobs");
    pthread_mutex_lock(&jobs->lock);
    st = jobs->store->ops->list(jobs->store, filter, records, room, count, more, err);
    for (size_t i = 0; st == LTD_OK && i < *count; i++) {
        out[i].record = records[i];
        jobs_fill_view(jobs, &out[i]);
    }
    pthread_mutex_unlock(&jobs->lock);
    free(records);
    return st;
}

void jobs_queue(struct jobs *jobs, struct job_queue_view *out)
{
    *out =
        (struct job_queue_view){.limit = jobs->store->ops->limit(jobs->store), .workers = jobs->worker_count};
    pthread_mutex_lock(&jobs->lock);
    out->waiting = jobs->store->ops->count(jobs->store).waiting;
    for (int i = 0; i < jobs->worker_count; i++) {
        const struct worker *worker = &jobs->workers[i];
        struct job_running *running = &out->running[out->running_count];

        if (!worker->live)
            continue;
        memcpy(running->id, worker->live->id, sizeof running->id);
        running->progress = worker->progress;
        running->eta_s = jobs_eta_of(jobs, worker->live);
        out->running_count++;
    }
    out->eta_s = jobs_eta_of_start(jobs);
    pthread_mutex_unlock(&jobs->lock);
}

bool jobs_are_full(struct jobs *jobs)
{
    return jobs->store->ops->count(jobs->store).waiting >= jobs->store->ops->limit(jobs->store);
}

int jobs_retry_after(struct jobs *jobs)
{
    double seconds;

    pthread_mutex_lock(&jobs->lock);
    seconds = jobs_eta_of_room(jobs);
    pthread_mutex_unlock(&jobs->lock);
    return seconds < 1 ? 1 : seconds > 3600 ? 3600 : (int)(seconds + 0.999);
}

static bool has_idle_worker(const struct jobs *jobs)
{
    for (int i = 0; i < jobs->worker_count; i++)
        if (!jobs->workers[i].live)
            return true;
    return false;
}

enum ltd_status jobs_estimate(struct jobs *jobs, const struct job_request *request, struct job_estimate *out,
                              struct ltd_error *err)
{
    struct job_cost cost;
    struct cost_seconds seconds;
    const enum ltd_status st = job_cost_count(jobs->models, request, jobs->config.threads, &cost, err);

    if (st != LTD_OK)
        return st;
    pthread_mutex_lock(&jobs->lock);
    cost_model_estimate(jobs->costs, &cost, &seconds);
    *out = (struct job_estimate){.seconds = job_cost_total(&cost, &seconds),
                                 .wait_s = jobs_eta_of_start(jobs),
                                 .scratch_bytes = cost.scratch_bytes,
                                 .position = jobs->store->ops->count(jobs->store).waiting};
    if (!has_idle_worker(jobs) || out->position > 0)
        out->position++;
    pthread_mutex_unlock(&jobs->lock);
    return LTD_OK;
}
