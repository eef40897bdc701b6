#include "handlers/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "handlers/metrics_private.h"

const char *const metrics_methods[METRICS_METHODS] = {"GET",    "HEAD",    "POST",  "PUT",
                                                      "DELETE", "OPTIONS", "PATCH", "other"};
const int metrics_statuses[METRICS_STATUSES] = {200, 201, 202, 204, 206, 303, 304, 400, 401, 403,
                                                404, 405, 406, 409, 410, 412, 413, 415, 416, 422,
                                                424, 429, 431, 499, 500, 501, 502, 503, 505, 507};
const double metrics_bounds[METRICS_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                2.5,   5,      10,    25,   50,    100,  250, 500,  1000};
const char *const metrics_kinds[METRICS_KINDS] = {"txt2img", "img2img"};
const char *const metrics_phases[METRICS_PHASES] = {"clip", "unet_step", "vae_decode", "vae_encode", "png"};

struct metrics *metrics_open(const struct http_route *routes, size_t count)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);

    if (!metrics)
        return NULL;
    metrics->by_route = calloc(count + 1, sizeof *metrics->by_route);
    if (!metrics->by_route) {
        free(metrics);
        return NULL;
    }
    metrics->routes = routes;
    metrics->route_count = count;
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_close(struct metrics *metrics)
{
    if (!metrics)
        return;
    pthread_mutex_destroy(&metrics->lock);
    free(metrics->by_route);
    free(metrics);
}

static void observe(struct histogram *histogram, double seconds)
{
    size_t bucket = 0;

    while (bucket < METRICS_BUCKETS && seconds > metrics_bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum += seconds;
}

static size_t method_index(const char *method)
{
    size_t i = 0;

    while (i + 1 < METRICS_METHODS && strcmp(metrics_methods[i], method) != 0)
        i++;
    return i;
}

static size_t status_index(int status)
{
    size_t i = 0;

    while (metrics_statuses[i] && metrics_statuses[i] != status)
        i++;
    return i;
}

void metrics_request(struct metrics *metrics, const char *method, const struct http_route *route, int status,
                     double seconds, size_t sent)
{
    struct route_metrics *of;

    pthread_mutex_lock(&metrics->lock);
    of = &metrics->by_route[route ? (size_t)(route - metrics->routes) : metrics->route_count];
    of->requests[method_index(method)][status_index(status)]++;
    of->sent += sent;
    observe(&of->duration, seconds);
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_rejected(struct metrics *metrics, enum ltd_status why)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->rejected[why]++;
    pthread_mutex_unlock(&metrics->lock);
}

static void on_created(void *self, const struct job_record *job)
{
    struct metrics *metrics = self;

    pthread_mutex_lock(&metrics->lock);
    metrics->created[job->request->family]++;
    pthread_mutex_unlock(&metrics->lock);
}

static void on_refused(void *self, enum ltd_status why)
{
    metrics_rejected(self, why);
}

static void on_started(void *self, const struct job_record *job)
{
    struct metrics *metrics = self;

    pthread_mutex_lock(&metrics->lock);
    observe(&metrics->queue_wait, (double)(job->started_ms - job->created_ms) / 1000);
    pthread_mutex_unlock(&metrics->lock);
}

static void count_success(struct metrics *metrics, const struct job_record *job, double run_s)
{
    const struct job_timings *timings = &job->result.timings;

    metrics->images[job->request->form.format] += (uint64_t)job->result.image_count;
    observe(&metrics->job_duration, run_s);
    observe(&metrics->phases[PHASE_CLIP], timings->text_s);
    observe(&metrics->phases[PHASE_VAE_DECODE], timings->decode_s);
    if (job->request->params.init_image)
        observe(&metrics->phases[PHASE_VAE_ENCODE], timings->encode_s);
    observe(&metrics->phases[PHASE_PNG], timings->png_s);
}

static void on_ended(void *self, const struct job_record *job, double run_s)
{
    struct metrics *metrics = self;

    pthread_mutex_lock(&metrics->lock);
    metrics->ended[job->request->params.init_image != NULL][job->state]++;
    if (job->state == JOB_SUCCEEDED)
        count_success(metrics, job, run_s);
    pthread_mutex_unlock(&metrics->lock);
}

static void on_step(void *self, double seconds)
{
    struct metrics *metrics = self;

    pthread_mutex_lock(&metrics->lock);
    metrics->steps++;
    observe(&metrics->phases[PHASE_UNET_STEP], seconds);
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_observe(struct metrics *metrics, struct jobs *jobs)
{
    const struct job_observer observer = {metrics, on_created, on_refused, on_started, on_ended, on_step};

    jobs_observe(jobs, &observer);
}
