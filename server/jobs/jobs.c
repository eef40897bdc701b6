#include "jobs/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/jobs_eta.h"
#include "util/clock.h"

static const double probe_s = 0.1;

static bool take_job(struct worker *worker, struct job_record *job)
{
    struct jobs *jobs = worker->jobs;
    struct job_event event = {.type = JOB_EVENT_STARTED, .state = JOB_RUNNING};
    bool taken = false;

    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stop && !(taken = jobs->store->ops->claim(jobs->store, job)))
        pthread_cond_wait(&jobs->work, &jobs->lock);
    if (taken) {
        worker->live = live_find(&jobs->lives, job->id);
        worker->live->worker = worker;
        worker->progress = (struct job_progress){.steps = worker->live->cost.evaluations};
        jobs_eta_started(worker);
        atomic_store(&worker->cancel, jobs->closing);
        atomic_store(&worker->wants_preview, live_wants_previews(worker->live, clock_monotonic()));
        event.eta_s = jobs_eta_of(jobs, worker->live);
        live_event(&jobs->lives, worker->live, &event);
    }
    jobs_unlock_and_tell(jobs);
    if (taken)
        jobs_tell_started(jobs, job);
    return taken;
}

/* Adds an event of the running job; now: how far it is, or NULL as far as before. */
static void add_event(struct worker *worker, const struct job_progress *now, enum job_event_type type,
                      int image, struct blob *picture, enum ltd_picture_format format)
{
    struct jobs *jobs = worker->jobs;
    struct job_event event = {
        .type = type, .state = JOB_RUNNING, .image = image, .picture = picture, .format = format};

    pthread_mutex_lock(&jobs->lock);
    if (now) {
        worker->progress = *now;
        jobs_eta_moved(worker);
    }
    event.progress = worker->progress;
    event.eta_s = jobs_eta_of(jobs, worker->live);
    atomic_store(&worker->wants_preview, live_wants_previews(worker->live, clock_monotonic()));
    live_event(&jobs->lives, worker->live, &event);
    jobs_unlock_and_tell(jobs);
}

static void on_progress(void *arg, const struct job_progress *now)
{
    struct worker *worker = arg;
    const double time = clock_monotonic();

    add_event(worker, now, JOB_EVENT_PROGRESS, now->image, NULL, LTD_PICTURE_PNG);
    if (now->phase == LTD_PHASE_SAMPLE && now->step > 0)
        jobs_tell_step(worker->jobs, time - worker->stepped_at);
    worker->stepped_at = time;
}

static void on_preview(void *arg, struct blob *png)
{
    struct worker *worker = arg;

    add_event(worker, NULL, JOB_EVENT_PREVIEW, worker->progress.image, png, LTD_PICTURE_PNG);
}

static void on_image(void *arg, int index, const struct job_image *image)
{
    add_event(arg, NULL, JOB_EVENT_IMAGE, index, blob_ref(image->file), image->format);
}

/* Of a picture that is made larger: without a model to wait for. */
static enum ltd_status upscale_texts(const struct job_upscale *upscale, struct picture_texts *out,
                                     struct ltd_error *err)
{
    out->settings = ltd_upscale_text(&upscale->params, upscale->before);
    return out->settings ? LTD_OK : ltd_fail(err, LTD_ENOMEM, "no memory for the picture's settings");
}

static enum ltd_status on_texts(void *arg, const struct job_request *request, int index,
                                struct picture_texts *out, struct ltd_error *err)
{
    const struct worker *worker = arg;
    const struct jobs_config *config = &worker->jobs->config;
    const struct model_set *models = worker->jobs->models;
    struct ltd_model_label label = {models->items[request->model].name, NULL};
    char sha256[SHA256_TEXT_SIZE];

    if (request->upscales)
        return upscale_texts(&request->upscales[index], out, err);
    if (config->digests && model_digest_wait(config->digests, request->model, &worker->cancel, sha256))
        label.sha256 = sha256;
    if (atomic_load(&worker->cancel))
        return ltd_fail(err, LTD_ECANCELED, "canceled");
    return config->texts(request, model_set_shapes(models, request->model), label, index, out, err);
}

static void log_job(struct jobs *jobs, const struct job_record *job, double seconds)
{
    char time[32], size[32], count[16];
    const struct ltd_gen_params *params = &job->request->params;
    const bool failed = job->state == JOB_FAILED;

    snprintf(time, sizeof time, "%.3f", seconds);
    snprintf(size, sizeof size, "%dx%d", params->width, params->height);
    snprintf(count, sizeof count, "%d", params->count);
    log_event(jobs->log, failed ? LOG_WARN : LOG_INFO, "job",
              (struct log_field[]){{"job", job->id, true},
                                   {"status", job_state_name(job->state), true},
                                   {"model", jobs->models->items[job->request->model].name, true},
                                   {"size", size, true},
                                   {"count", count, false},
                                   {"seconds", time, false},
                                   {"error", failed ? ltd_status_name(job->result.error.status) : NULL, true},
                                   {"prompt", jobs->log->prompts ? params->prompt : NULL, true}},
              8);
}

/* A result that came of being ended says why. */
static void explain(const struct jobs *jobs, const struct live *live, struct job_result *result)
{
    if (result->state != JOB_CANCELED)
        return;
    if (live->doom == LTD_EDEADLINE)
        result->state = JOB_FAILED;
    if (jobs->closing || live->doom == LTD_EDEADLINE)
        jobs_end_reason(jobs->closing ? LTD_ECLOSED : live->doom, &result->error);
}

static void give_back(struct worker *worker, struct job_record *job, struct job_result *result,
                      double seconds)
{
    struct jobs *jobs = worker->jobs;
    struct live *live = worker->live;

    pthread_mutex_lock(&jobs->lock);
    explain(jobs, live, result);
    if (result->state == JOB_SUCCEEDED)
        cost_model_learn(jobs->costs, &live->cost, &result->timings);
    worker->live = NULL;
    live_end(&jobs->lives, live, result->state);
    job->state = result->state;
    job->result.error = result->error;
    jobs->store->ops->finish(jobs->store, job->id, result);
    jobs_ended(jobs, live, job);
    jobs_unlock_and_tell(jobs);
    log_job(jobs, job, seconds);
    jobs_tell_ended(jobs, job, seconds);
}

/* *result is filled whatever happens. */
static void run_job(struct worker *worker, const struct job_record *job, const struct worker_sink *sink,
                    struct job_result *result)
{
    const struct model_set *models = worker->jobs->models;
    const double start = clock_monotonic();
    const struct ltd_model *model;
    double load_s;

    if (job->request->upscales) { /* by no model */
        worker_run(worker->session, models->upscalers, job->request, sink, result);
        return;
    }
    *result = (struct job_result){.state = JOB_FAILED};
    if (model_set_take(models, job->request->model, &model, &result->error) != LTD_OK)
        return;
    load_s = clock_monotonic() - start;
    ltd_session_set_model(worker->session, model);
    worker_run(worker->session, models->upscalers, job->request, sink, result);
    result->timings.load_s = load_s;
    model_set_release(models, job->request->model);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    const struct worker_sink sink = {worker,          on_progress,           on_preview, on_image, on_texts,
                                     &worker->cancel, &worker->wants_preview};
    struct job_record job = {0};

    while (take_job(worker, &job)) {
        const double start = clock_monotonic();
        struct job_result result;

        worker->stepped_at = start;
        run_job(worker, &job, &sink, &result);
        give_back(worker, &job, &result, clock_monotonic() - start);
        job_record_fini(&job);
    }
    return NULL;
}

static enum ltd_status start_worker(struct worker *worker, int threads, struct ltd_error *err)
{
    enum ltd_status st;

    atomic_init(&worker->cancel, false);
    atomic_init(&worker->wants_preview, false);
    st = ltd_session_new(NULL, threads, &worker->session, err);
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
    double speed = 0;
    enum ltd_status st = LTD_OK;

    if (!jobs)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the queue");
    *jobs = (struct jobs){.store = store, .models = models, .log = log, .config = *config};
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    jobs->workers = calloc((size_t)config->workers, sizeof *jobs->workers);
    if (!lives_init(&jobs->lives) || !jobs->workers)
        st = ltd_fail(err, LTD_ENOMEM, "no memory for the workers");
    if (st == LTD_OK)
        st = ltd_probe_speed(config->threads, probe_s, &speed, err);
    if (st == LTD_OK && !(jobs->costs = cost_model_new(models->count + 1, speed)))
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
    char id[RANDOM_ID_SIZE];

    pthread_mutex_lock(&jobs->lock);
    jobs->refuse = jobs->closing = true;
    for (int i = 0; i < jobs->worker_count; i++)
        atomic_store(&jobs->workers[i].cancel, true);
    pthread_mutex_unlock(&jobs->lock);
    while (jobs->store->ops->peek(jobs->store, id))
        jobs_end(jobs, id, LTD_ECLOSED);
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

void jobs_close(struct jobs *jobs)
{
    if (!jobs)
        return;
    jobs_stop(jobs);
    for (int i = 0; i < jobs->worker_count; i++)
        ltd_session_free(jobs->workers[i].session);
    free(jobs->workers);
    lives_fini(&jobs->lives);
    cost_model_free(jobs->costs);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
