#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <latentd/session.h>

#include "handlers/metrics_private.h"

static const struct {
    const char *type, *name, *help;
} metrics_about[] = {
#define METRIC(id, type, name, labels, help) {type, name, help},
#include "handlers/metrics.def"
#undef METRIC
};

enum { LABELS_SIZE = 256 };

static void put_head(FILE *out, enum metric metric)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics_about[metric].name, metrics_about[metric].help,
            metrics_about[metric].name, metrics_about[metric].type);
}

/* One sample; labels, a printf format, may be NULL. */
__attribute__((format(printf, 4, 5))) static void put(FILE *out, enum metric metric, double value,
                                                      const char *labels, ...)
{
    va_list arguments;

    fputs(metrics_about[metric].name, out);
    if (labels) {
        fputc('{', out);
        va_start(arguments, labels);
        vfprintf(out, labels, arguments);
        va_end(arguments);
        fputc('}', out);
    }
    fprintf(out, " %.15g\n", value);
}

static void put_single(FILE *out, enum metric metric, double value)
{
    put_head(out, metric);
    put(out, metric, value, NULL);
}

static uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}

/* Samples under labels, "" for none. */
static void put_histogram(FILE *out, enum metric metric, const struct histogram *histogram,
                          const char *labels)
{
    const char *const name = metrics_about[metric].name, *const comma = *labels ? "," : "";
    const char *const open = *labels ? "{" : "", *const close = *labels ? "}" : "";
    uint64_t below = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        below += histogram->counts[i];
        fprintf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, metrics_bounds[i],
                (unsigned long long)below);
    }
    below += histogram->counts[METRICS_BUCKETS];
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma, (unsigned long long)below);
    fprintf(out, "%s_sum%s%s%s %.15g\n", name, open, labels, close, histogram->sum);
    fprintf(out, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)below);
}

/* The pattern and the method of a route, which several routes share only one of. */
static void route_labels(const struct metrics *metrics, size_t route, char labels[LABELS_SIZE])
{
    if (route < metrics->route_count)
        snprintf(labels, LABELS_SIZE, "route=\"%s\",method=\"%s\"", metrics->routes[route].pattern,
                 metrics->routes[route].method);
    else
        snprintf(labels, LABELS_SIZE, "route=\"none\",method=\"other\"");
}

static void put_requests(FILE *out, const struct metrics *metrics, size_t route)
{
    const char *pattern = route < metrics->route_count ? metrics->routes[route].pattern : "none";

    for (size_t m = 0; m < METRICS_METHODS; m++)
        for (size_t s = 0; s < METRICS_STATUSES; s++) {
            const uint64_t count = metrics->by_route[route].requests[m][s];
            char code[16] = "other";

            if (count == 0)
                continue;
            if (metrics_statuses[s])
                snprintf(code, sizeof code, "%d", metrics_statuses[s]);
            put(out, METRIC_HTTP_REQUESTS, (double)count, "route=\"%s\",method=\"%s\",code=\"%s\"", pattern,
                metrics_methods[m], code);
        }
}

/* Routes that nobody has asked for yet are left out. */
static void put_http(FILE *out, const struct metrics *metrics)
{
    char labels[LABELS_SIZE];

    put_head(out, METRIC_HTTP_REQUESTS);
    for (size_t i = 0; i <= metrics->route_count; i++)
        put_requests(out, metrics, i);
    put_head(out, METRIC_HTTP_DURATION);
    for (size_t i = 0; i <= metrics->route_count; i++) {
        if (histogram_count(&metrics->by_route[i].duration) == 0)
            continue;
        route_labels(metrics, i, labels);
        put_histogram(out, METRIC_HTTP_DURATION, &metrics->by_route[i].duration, labels);
    }
    put_head(out, METRIC_HTTP_SENT);
    for (size_t i = 0; i <= metrics->route_count; i++) {
        if (histogram_count(&metrics->by_route[i].duration) == 0)
            continue;
        route_labels(metrics, i, labels);
        put(out, METRIC_HTTP_SENT, (double)metrics->by_route[i].sent, "%s", labels);
    }
}

static void put_jobs(FILE *out, const struct metrics *metrics, const struct job_queue_view *queue)
{
    put_head(out, METRIC_JOBS_CREATED);
    for (int i = 0; i < JOB_FAMILY_COUNT; i++)
        put(out, METRIC_JOBS_CREATED, (double)metrics->created[i], "api=\"%s\"",
            job_family_name((enum job_family)i));
    put_head(out, METRIC_JOBS);
    for (int kind = 0; kind < METRICS_KINDS; kind++)
        for (int state = 0; state < JOB_STATE_COUNT; state++)
            if (job_state_is_final((enum job_state)state))
                put(out, METRIC_JOBS, (double)metrics->ended[kind][state], "kind=\"%s\",status=\"%s\"",
                    metrics_kinds[kind], job_state_name((enum job_state)state));
    put_single(out, METRIC_JOBS_QUEUED, queue->waiting);
    put_single(out, METRIC_JOBS_RUNNING, queue->running_count);
    put_single(out, METRIC_QUEUE_LIMIT, queue->limit);
    put_single(out, METRIC_WORKERS, queue->workers);
    put_head(out, METRIC_QUEUE_WAIT);
    put_histogram(out, METRIC_QUEUE_WAIT, &metrics->queue_wait, "");
    put_head(out, METRIC_JOB_DURATION);
    put_histogram(out, METRIC_JOB_DURATION, &metrics->job_duration, "");
    put_head(out, METRIC_PHASE_DURATION);
    for (int i = 0; i < METRICS_PHASES; i++) {
        char labels[LABELS_SIZE];

        snprintf(labels, sizeof labels, "phase=\"%s\"", metrics_phases[i]);
        put_histogram(out, METRIC_PHASE_DURATION, &metrics->phases[i], labels);
    }
    put_single(out, METRIC_UNET_STEPS, (double)metrics->steps);
    put_head(out, METRIC_IMAGES);
    for (int i = 0; i < LTD_PICTURE_FORMAT_COUNT; i++)
        put(out, METRIC_IMAGES, (double)metrics->images[i], "format=\"%s\"",
            ltd_picture_format_name((enum ltd_picture_format)i));
}

/* The reasons that every server meets are there from the start, so that a rate can be taken of the first one.
 */
static void put_rejected(FILE *out, const struct metrics *metrics)
{
    put_head(out, METRIC_REJECTED);
    for (int i = 1; i < METRICS_REASONS; i++)
        if (metrics->rejected[i] > 0 || i == LTD_EFULL || i == LTD_ECLOSED)
            put(out, METRIC_REJECTED, (double)metrics->rejected[i], "reason=\"%s\"",
                ltd_status_name((enum ltd_status)i));
}

static void put_webhooks(FILE *out, const struct webhook_counts *counts)
{
    put_head(out, METRIC_WEBHOOKS);
    put(out, METRIC_WEBHOOKS, (double)counts->delivered, "result=\"delivered\"");
    put(out, METRIC_WEBHOOKS, (double)counts->failed, "result=\"failed\"");
    put(out, METRIC_WEBHOOKS, (double)counts->retried, "result=\"retried\"");
}

static void put_models(FILE *out, const struct model_set *models)
{
    struct model_counts counts;

    put_head(out, METRIC_MODEL_LOADED);
    for (size_t i = 0; i < models->count; i++)
        put(out, METRIC_MODEL_LOADED, model_set_is_loaded(models, i), "model=\"%s\"", models->items[i].name);
    put_head(out, METRIC_MODEL_BYTES);
    for (size_t i = 0; i < models->count; i++)
        if (model_set_shapes(models, i))
            put(out, METRIC_MODEL_BYTES, (double)ltd_model_info(model_set_shapes(models, i))->file_bytes,
                "model=\"%s\"", models->items[i].name);
    model_set_count(models, &counts);
    put_single(out, METRIC_MODELS_BYTES, (double)counts.bytes);
    put_head(out, METRIC_MODEL_LOADS);
    put(out, METRIC_MODEL_LOADS, (double)counts.loads, "result=\"loaded\"");
    put(out, METRIC_MODEL_LOADS, (double)counts.failures, "result=\"failed\"");
    put_single(out, METRIC_MODEL_UNLOADS, (double)counts.unloads);
}

static void put_server(FILE *out, const struct metrics_now *now)
{
    put_head(out, METRIC_BUILD_INFO);
    put(out, METRIC_BUILD_INFO, 1, "version=\"%s\",isa=\"%s\"", LATENTD_VERSION, ltd_isa_name());
    put_single(out, METRIC_READY, now->ready);
    put_models(out, now->models);
}

static void put_process(FILE *out, const struct process_stats *process)
{
    put_single(out, METRIC_CPU_SECONDS, process->cpu_s);
    put_single(out, METRIC_START_TIME, process->started_s);
    put_single(out, METRIC_RESIDENT_BYTES, (double)process->resident);
    put_single(out, METRIC_VIRTUAL_BYTES, (double)process->virtual);
    put_single(out, METRIC_OPEN_FDS, process->open_fds);
    put_single(out, METRIC_MAX_FDS, process->max_fds);
    put_single(out, METRIC_THREADS, process->threads);
}

struct blob *metrics_print(struct metrics *metrics, const struct metrics_now *now)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct blob *blob = NULL;

    if (!out)
        return NULL;
    put_server(out, now);
    pthread_mutex_lock(&metrics->lock);
    put_http(out, metrics);
    put_single(out, METRIC_HTTP_CONNECTIONS, (double)now->load.connections);
    put_single(out, METRIC_HTTP_WAITING, (double)now->load.waiting);
    put_jobs(out, metrics, &now->queue);
    put_rejected(out, metrics);
    pthread_mutex_unlock(&metrics->lock);
    put_webhooks(out, &now->webhooks);
    if (now->has_process)
        put_process(out, &now->process);
    if (fclose(out) == 0)
        blob = blob_take(text, size);
    if (!blob)
        free(text);
    return blob;
}
