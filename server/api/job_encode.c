#include "api/job_encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/request_encode.h"
#include "util/base64.h"
#include "util/clock.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static void add_number(struct ltd_json *object, const char *key, double number)
{
    ltd_json_add(object, key, ltd_json_new_number(number));
}

/* To four decimals: tenths of a millisecond, or of a thousandth part. */
static void add_rounded(struct ltd_json *object, const char *key, double number)
{
    add_number(object, key, round(number * 1e4) / 1e4);
}

static void add_time(struct ltd_json *object, const char *key, int64_t unix_ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (unix_ms == 0)
        return;
    clock_format(text, unix_ms);
    add_text(object, key, text);
}

struct ltd_json *progress_encode(const struct job_progress *progress, enum job_state state)
{
    struct ltd_json *json = ltd_json_new_object();

    if (state == JOB_RUNNING) {
        add_text(json, "phase", ltd_phase_name(progress->phase));
        add_number(json, "image", progress->image);
        add_number(json, "step", progress->step);
        add_number(json, "steps", progress->steps);
    }
    add_rounded(json, "fraction", state == JOB_SUCCEEDED ? 1 : progress->fraction);
    return json;
}

static double seconds_between(int64_t from_ms, int64_t to_ms)
{
    return from_ms > 0 && to_ms > from_ms ? (double)(to_ms - from_ms) / 1e3 : 0;
}

static struct ltd_json *encode_timings(const struct job_record *record)
{
    const struct job_timings *t = &record->result.timings;
    struct ltd_json *json = ltd_json_new_object();

    add_rounded(json, "queued_s", seconds_between(record->created_ms, record->started_ms));
    add_rounded(json, "load_s", t->load_s);
    add_rounded(json, "text_s", t->text_s);
    add_rounded(json, "encode_s", t->encode_s);
    add_rounded(json, "sample_s", t->sample_s);
    add_rounded(json, "decode_s", t->decode_s);
    add_rounded(json, "png_s", t->png_s);
    add_rounded(json, "total_s", seconds_between(record->created_ms, record->ended_ms));
    return json;
}

static struct ltd_json *encode_warnings(const struct job_request *request)
{
    struct ltd_json *json = ltd_json_new_array();

    for (size_t i = 0; i < request->warning_count; i++) {
        struct ltd_json *warning = ltd_json_new_object();
        char pointer[192];

        snprintf(pointer, sizeof pointer, "%s%s", request->warnings[i].field[0] ? "/" : "",
                 request->warnings[i].field);
        add_text(warning, "pointer", pointer);
        add_text(warning, "detail", request->warnings[i].message);
        ltd_json_append(json, warning);
    }
    return json;
}

static void add_base64(struct ltd_json *json, enum ltd_picture_format format, const struct blob *file)
{
    char *base64 = base64_encode_new(blob_data(file), blob_size(file)), key[16];

    snprintf(key, sizeof key, "b64_%s", ltd_picture_format_name(format));
    ltd_json_add(json, key, base64 ? ltd_json_new_string(base64) : NULL);
    free(base64);
}

static struct ltd_json *encode_image(const struct job_record *record, int index, bool with_bytes)
{
    const struct job_image *image = &record->result.images[index];
    struct ltd_json *json = ltd_json_new_object();
    char url[96];

    snprintf(url, sizeof url, "/api/v1/jobs/%s/images/%d", record->id, index);
    add_number(json, "index", index);
    if (!record->request->upscales)
        ltd_json_add(json, "seed", ltd_json_new_uint64(image->seed));
    if (record->request->params.subseed_strength > 0)
        ltd_json_add(json, "subseed",
                     ltd_json_new_uint64(ltd_params_subseed(&record->request->params, index)));
    add_text(json, "url", url);
    add_text(json, "media_type", ltd_picture_format_media(image->format));
    add_number(json, "width", image->width);
    add_number(json, "height", image->height);
    add_text(json, "sha256", image->sha256);
    add_number(json, "bytes", (double)blob_size(image->file));
    if (with_bytes)
        add_base64(json, image->format, image->file);
    return json;
}

static struct ltd_json *encode_urls(const struct job_record *record)
{
    static const char *const names[] = {"self", "events", "preview", "cancel", "retry", "webhooks"};
    struct ltd_json *json = ltd_json_new_object();
    char url[96];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], "webhooks") == 0 && !record->request->webhook_url)
            continue;
        snprintf(url, sizeof url, "/api/v1/jobs/%s%s%s", record->id, i > 0 ? "/" : "", i > 0 ? names[i] : "");
        add_text(json, names[i], url);
    }
    return json;
}

static void add_error(struct ltd_json *json, const struct ltd_error *error)
{
    struct problem problem = {0};

    problem_from_error(&problem, error);
    ltd_json_add(json, "error", problem_encode(&problem, NULL));
    problem_fini(&problem);
}

struct ltd_json *job_encode(const struct job_view *job, const struct model_set *models, bool with_images)
{
    const struct job_record *record = &job->record;
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *images = ltd_json_new_array();

    add_text(json, "id", record->id);
    add_text(json, "status", job_state_name(record->state));
    add_text(json, "family", job_family_name(record->request->family));
    if (record->group[0])
        add_text(json, "group", record->group);
    if (record->state == JOB_QUEUED)
        add_number(json, "position", record->position);
    if (!job_state_is_final(record->state) && job->eta_s >= 0)
        add_rounded(json, "eta_seconds", job->eta_s);
    add_time(json, "created_at", record->created_ms);
    add_time(json, "started_at", record->started_ms);
    add_time(json, "ended_at", record->ended_ms);
    ltd_json_add(json, "progress", progress_encode(&job->progress, record->state));
    ltd_json_add(json, "request", request_encode(record->request, models));
    ltd_json_add(json, "timings", encode_timings(record));
    ltd_json_add(json, "warnings", encode_warnings(record->request));
    for (int i = 0; i < record->result.image_count; i++)
        ltd_json_append(images, encode_image(record, i, with_images));
    ltd_json_add(json, "images", images);
    if (record->state == JOB_FAILED || record->state == JOB_CANCELED)
        add_error(json, &record->result.error);
    ltd_json_add(json, "urls", encode_urls(record));
    return json;
}

const char *event_name(const struct job_event *event)
{
    switch (event->type) {
    case JOB_EVENT_QUEUED:
        return "queued";
    case JOB_EVENT_POSITION:
        return "position";
    case JOB_EVENT_STARTED:
        return "started";
    case JOB_EVENT_PROGRESS:
        return "progress";
    case JOB_EVENT_PREVIEW:
        return "preview";
    case JOB_EVENT_IMAGE:
        return "image";
    case JOB_EVENT_ENDED:
        break;
    }
    return job_state_name(event->state);
}

struct ltd_json *event_encode(const char *id, const struct job_event *event, bool with_images)
{
    struct ltd_json *json = ltd_json_new_object();
    char url[96];

    add_text(json, "id", id);
    add_text(json, "status", job_state_name(event->state));
    add_time(json, "at", event->at_ms);
    if (event->eta_s >= 0)
        add_rounded(json, "eta_seconds", event->eta_s);
    if (event->type == JOB_EVENT_QUEUED || event->type == JOB_EVENT_POSITION)
        add_number(json, "position", event->position);
    if (event->type == JOB_EVENT_PROGRESS || event->type == JOB_EVENT_PREVIEW)
        ltd_json_add(json, "progress", progress_encode(&event->progress, JOB_RUNNING));
    if (event->type == JOB_EVENT_IMAGE) {
        snprintf(url, sizeof url, "/api/v1/jobs/%s/images/%d", id, event->image);
        add_number(json, "index", event->image);
        add_text(json, "url", url);
    }
    if (event->picture && (with_images || event->type == JOB_EVENT_PREVIEW))
        add_base64(json, event->format, event->picture);
    return json;
}

struct ltd_json *queue_encode(const struct job_queue_view *queue)
{
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *running = ltd_json_new_array();

    add_number(json, "waiting", queue->waiting);
    add_number(json, "limit", queue->limit);
    add_number(json, "workers", queue->workers);
    for (int i = 0; i < queue->running_count; i++) {
        struct ltd_json *job = ltd_json_new_object();

        add_text(job, "id", queue->running[i].id);
        ltd_json_add(job, "progress", progress_encode(&queue->running[i].progress, JOB_RUNNING));
        if (queue->running[i].eta_s >= 0)
            add_rounded(job, "eta_seconds", queue->running[i].eta_s);
        ltd_json_append(running, job);
    }
    ltd_json_add(json, "running", running);
    if (queue->eta_s >= 0)
        add_rounded(json, "eta_seconds", queue->eta_s);
    return json;
}

struct ltd_json *estimate_encode(const struct job_estimate *estimate, const struct job_request *request,
                                 const struct model_set *models)
{
    struct ltd_json *json = ltd_json_new_object();

    add_rounded(json, "seconds", estimate->seconds);
    add_rounded(json, "wait_seconds", estimate->wait_s);
    ltd_json_add(json, "bytes", ltd_json_new_uint64(estimate->scratch_bytes));
    add_number(json, "position", estimate->position);
    ltd_json_add(json, "request", request_encode(request, models));
    ltd_json_add(json, "warnings", encode_warnings(request));
    return json;
}
