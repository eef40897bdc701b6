#include "jobs/jobs.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/worker.h"
#include "util/clock.h"

/* One worker thread and the job it has at hand. */
struct worker {
    struct jobs *jobs;
    struct ltd_session **sessions; /* one for each model; this thread's alone */
    pthread_t thread;
    bool started;
    atomic_bool cancel;           /* read by the session while it computes */
    char id[RANDOM_ID_SIZE];      /* guarded by jobs->lock; "" while idle */
    struct job_progress progress; /* guarded by jobs->lock */
};

struct waiter {
    char id[RANDOM_ID_SIZE];
    struct job_notify notify;
    struct waiter *next;
};

struct jobs {
    struct job_store *store;
    const struct model_set *models;
    struct log *log;
    int worker_count;
    struct worker *workers;
    pthread_mutex_t lock; /* guards all below; the store's own lock comes after it */
    pthread_cond_t work;  /* a job was added, or stop was set */
    bool refuse, stop, closing;
    struct waiter *waiters;
    double average_s; /* of a job's running; 0: none has run */
};

/* Takes the waiters of a job out of the list; the caller calls and frees them, unlocked. */
static struct waiter *detach_waiters(struct jobs *jobs, const char *id)
{
    struct waiter **link = &jobs->waiters, *found = NULL;

    while (*link) {
        struct waiter *waiter = *link;

        if (strcmp(waiter->id, id) != 0) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->next = found;
        found = waiter;
    }
    return found;
}

static void notify_all(struct waiter *waiter)
{
    while (waiter) {
        struct waiter *next = waiter->next;

        waiter->notify.call(waiter->notify.arg, waiter->notify.number);
        free(waiter);
        waiter = next;
    }
}

static bool take_job(struct worker *worker, struct job_record *job)
{
    struct jobs *jobs = worker->jobs;
    bool taken = false;

    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stop && !(taken = jobs->store->ops->claim(jobs->store, job)))
        pthread_cond_wait(&jobs->work, &jobs->lock);
    if (taken) {
        memcpy(worker->id, job->id, sizeof worker->id);
        worker->progress = (struct job_progress){.steps = job->request->params.steps};
        atomic_store(&worker->cancel, jobs->closing);
    }
    pthread_mutex_unlock(&jobs->lock);
    return taken;
}

static void publish_progress(void *arg, const struct job_progress *now)
{
    struct worker *worker = arg;

    pthread_mutex_lock(&worker->jobs->lock);
    worker->progress = *now;
    pthread_mutex_unlock(&worker->jobs->lock);
}

static void log_job(struct jobs *jobs, const struct job_record *job, const struct job_result *result,
                    double seconds)
{
    char time[32], size[32], count[16];
    const struct ltd_gen_params *params = &job->request->params;
    const bool failed = result->state == JOB_FAILED;

    snprintf(time, sizeof time, "%.3f", seconds);
    snprintf(size, sizeof size, "%dx%d", params->width, params->height);
    snprintf(count, sizeof count, "%d", params->count);
    log_event(jobs->log, failed ? LOG_WARN : LOG_INFO, "job",
              (struct log_field[]){{"job", job->id, true},
                                   {"status", job_state_name(result->state), true},
                                   {"model", jobs->models->items[job->request->model].name, true},
                                   {"size", size, true},
                                   {"count", count, false},
                                   {"seconds", time, false},
                                   {"error", failed ? ltd_status_name(result->error.status) : NULL, true}},
              7);
}

static void give_back(struct worker *worker, const struct job_record *job, struct job_result *result,
                      double seconds)
{
    struct jobs *jobs = worker->jobs;
    struct waiter *waiters;

    log_job(jobs, job, result, seconds);
    pthread_mutex_lock(&jobs->lock);
    if (result->state == JOB_CANCELED && jobs->closing)
        ltd_fail(&result->error, LTD_ECLOSED, "the server is shutting down");
    if (result->state == JOB_SUCCEEDED)
        jobs->average_s = jobs->average_s > 0 ? 0.8 * jobs->average_s + 0.2 * seconds : seconds;
    jobs->store->ops->finish(jobs->store, job->id, result);
    worker->id[0] = '\0';
    waiters = detach_waiters(jobs, job->id);
    pthread_mutex_unlock(&jobs->lock);
    notify_all(waiters);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    const struct model_set *models = worker->jobs->models;
    struct job_record job = {0};

    while (take_job(worker, &job)) {
        const size_t model = job.request->model;
        const double start = clock_monotonic();
        struct job_result result;

        worker_run(worker->sessions[model], models->items[model].model, job.request, &worker->cancel,
                   publish_progress, worker, &result);
        give_back(worker, &job, &result, clock_monotonic() - start);
        job_record_fini(&job);
    }
    return NULL;
}

static enum ltd_status start_worker(struct worker *worker, int threads, struct ltd_error *err)
{
    const struct model_set *models = worker->jobs->models;
    enum ltd_status st = LTD_OK;

    atomic_init(&worker->cancel, false);
    worker->sessions = calloc(models->count, sizeof *worker->sessions);
    if (!worker->sessions)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a worker");
    for (size_t i = 0; st == LTD_OK && i < models->count; i++)
        st = ltd_session_new(models->items[i].model, threads, &worker->sessions[i], err);
    if (st != LTD_OK)
        return st;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0)
        return ltd_fail(err, LTD_EIO, "a worker thread does not start");
    worker->started = true;
    return LTD_OK;
}

enum ltd_status jobs_open(const struct jobs_config *config, struct job_store *store,
                          const struct model_set *models, struct log *log, struct jobs **out,
                          struct ltd_error *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    enum ltd_status st = LTD_OK;

    if (!jobs)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the queue");
    *jobs = (struct jobs){.store = store, .models = models, .log = log};
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    jobs->workers = calloc((size_t)config->workers, sizeof *jobs->workers);
    if (!jobs->workers)
        st = ltd_fail(err, LTD_ENOMEM, "no memory for the workers");
    for (int i = 0; st == LTD_OK && i < config->workers; i++) {
        jobs->worker_count = i + 1;
        jobs->workers[i].jobs = jobs;
        st = start_worker(&jobs->workers[i], config->threads, err);
    }
    if (st == LTD_OK)
        *out = jobs;
    else
        jobs_close(jobs);
    return st;
}

static struct waiter *new_waiter(const struct job_notify *notify)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);

    if (waiter)
        waiter->notify = *notify;
    return waiter;
}

enum ltd_status jobs_submit(struct jobs *jobs, struct job_request *request, const struct job_notify *notify,
                            char id[RANDOM_ID_SIZE], struct ltd_error *err)
{
    struct waiter *waiter = notify ? new_waiter(notify) : NULL;
    enum ltd_status st;

    if (notify && !waiter)
        return ltd_fail(err, LTD_ENOMEM, "no memory for another job");
    pthread_mutex_lock(&jobs->lock);
    st = jobs->refuse ? ltd_fail(err, LTD_ECLOSED, "the server is shutting down")
                      : jobs->store->ops->add(jobs->store, request, id, err);
    if (st == LTD_OK && waiter) {
        memcpy(waiter->id, id, sizeof waiter->id);
        waiter->next = jobs->waiters;
        jobs->waiters = waiter;
        waiter = NULL;
    }
    if (st == LTD_OK)
        pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    free(waiter);
    return st;
}

static struct worker *worker_of(struct jobs *jobs, const char *id)
{
    for (int i = 0; i < jobs->worker_count; i++)
        if (strcmp(jobs->workers[i].id, id) == 0)
            return &jobs->workers[i];
    return NULL;
}

enum job_found jobs_get(struct jobs *jobs, const char *id, struct job_view *out)
{
    const struct worker *worker;
    enum job_found found;

    if (!random_id_is_valid(id))
        return JOB_UNKNOWN;
    pthread_mutex_lock(&jobs->lock);
    out->progress = (struct job_progress){0};
    found = jobs->store->ops->get(jobs->store, id, &out->record);
    worker = found == JOB_FOUND ? worker_of(jobs, id) : NULL;
    if (worker)
        out->progress = worker->progress;
    pthread_mutex_unlock(&jobs->lock);
    return found;
}

void jobs_cancel(struct jobs *jobs, const char *id)
{
    struct ltd_error reason;
    struct waiter *waiters = NULL;
    struct worker *worker;

    if (!random_id_is_valid(id))
        return;
    pthread_mutex_lock(&jobs->lock);
    if (jobs->closing)
        ltd_fail(&reason, LTD_ECLOSED, "the server is shutting down");
    else
        ltd_fail(&reason, LTD_ECANCELED, "canceled before it ran");
    worker = worker_of(jobs, id);
    if (worker)
        atomic_store(&worker->cancel, true);
    else if (jobs->store->ops->cancel_waiting(jobs->store, id, &reason))
        waiters = detach_waiters(jobs, id);
    pthread_mutex_unlock(&jobs->lock);
    notify_all(waiters);
}

bool jobs_are_full(struct jobs *jobs)
{
    return jobs->store->ops->is_full(jobs->store);
}

int jobs_retry_after(struct jobs *jobs)
{
    const struct job_counts counts = jobs->store->ops->count(jobs->store);
    double seconds;

    pthread_mutex_lock(&jobs->lock);
    seconds = jobs->average_s * (counts.waiting > 0 ? 1 : 0.5) / jobs->worker_count;
    pthread_mutex_unlock(&jobs->lock);
    return seconds < 1 ? 1 : seconds > 3600 ? 3600 : (int)(seconds + 0.999);
}

void jobs_expire(struct jobs *jobs)
{
    jobs->store->ops->expire(jobs->store);
}

void jobs_refuse(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->refuse = true;
    pthread_mutex_unlock(&jobs->lock);
}

bool jobs_are_idle(struct jobs *jobs)
{
    const struct job_counts counts = jobs->store->ops->count(jobs->store);

    return counts.waiting == 0 && counts.running == 0;
}

static void cancel_all(struct jobs *jobs)
{
    struct job_record job;

    pthread_mutex_lock(&jobs->lock);
    jobs->refuse = jobs->closing = true;
    for (int i = 0; i < jobs->worker_count; i++)
        atomic_store(&jobs->workers[i].cancel, true);
    pthread_mutex_unlock(&jobs->lock);
    while (jobs->store->ops->peek(jobs->store, job.id))
        jobs_cancel(jobs, job.id);
}

void jobs_stop(struct jobs *jobs)
{
    cancel_all(jobs);
    pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    pthread_cond_broadcast(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->worker_count; i++) {
        if (jobs->workers[i].started)
            pthread_join(jobs->workers[i].thread, NULL);
        jobs->workers[i].started = false;
    }
}

static void free_sessions(struct worker *worker)
{
    for (size_t i = 0; worker->sessions && i < worker->jobs->models->count; i++)
        ltd_session_free(worker->sessions[i]);
    free(worker->sessions);
}

void jobs_close(struct jobs *jobs)
{
    if (!jobs)
        return;
    jobs_stop(jobs);
    assert(!jobs->waiters); /* every job has ended, and whom a waiter would wake may be gone by now */
    for (int i = 0; i < jobs->worker_count; i++)
        free_sessions(&jobs->workers[i]);
    free(jobs->workers);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
