#include "api/job_encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/problem.h"
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

static void add_settings(struct ltd_json *json, const struct ltd_gen_params *p)
{
    add_number(json, "steps", p->steps);
    add_number(json, "cfg_scale", p->cfg_scale);
    add_text(json, "sampler", ltd_sampler_name(p->sampler));
    add_text(json, "scheduler", ltd_scheduler_name(p->scheduler));
    add_number(json, "width", p->width);
    add_number(json, "height", p->height);
    add_number(json, "count", p->count);
    if (p->init_image)
        add_number(json, "strength", p->strength);
    add_number(json, "clip_skip", p->clip_skip);
    add_text(json, "profile", ltd_profile_name(p->profile));
    add_text(json, "numerics", ltd_numerics_name(p->numerics));
}

static struct ltd_json *encode_request(const struct job_request *request, const struct model_set *models)
{
    const struct ltd_gen_params *p = &request->params;
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *output = ltd_json_new_object();

    add_text(json, "kind", p->init_image ? "img2img" : "txt2img");
    add_text(json, "prompt", p->prompt);
    add_text(json, "negative_prompt", p->negative_prompt);
    ltd_json_add(json, "seed", ltd_json_new_uint64(p->seed));
    add_settings(json, p);
    add_text(json, "model", models->items[request->model].name);
    add_text(output, "format", "png");
    ltd_json_add(output, "metadata", ltd_json_new_bool(request->metadata));
    ltd_json_add(json, "output", output);
    return json;
}

static struct ltd_json *encode_progress(const struct job_view *job)
{
    const struct job_progress *p = &job->progress;
    struct ltd_json *json = ltd_json_new_object();
    const bool done = job->record.state == JOB_SUCCEEDED;

    if (job->record.state == JOB_RUNNING) {
        add_text(json, "phase", ltd_phase_name(p->phase));
        add_number(json, "image", p->image);
        add_number(json, "step", p->step);
        add_number(json, "steps", p->steps);
    }
    add_rounded(json, "fraction", done ? 1 : p->fraction);
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
        char pointer[64];

        snprintf(pointer, sizeof pointer, "/%s", request->warnings[i].field);
        add_text(warning, "pointer", pointer);
        add_text(warning, "detail", request->warnings[i].message);
        ltd_json_append(json, warning);
    }
    return json;
}

static struct ltd_json *encode_image(const struct job_record *record, int index, bool with_bytes)
{
    const struct job_image *image = &record->result.images[index];
    struct ltd_json *json = ltd_json_new_object();
    char url[96];

    snprintf(url, sizeof url, "/api/v1/jobs/%s/images/%d", record->id, index);
    add_number(json, "index", index);
    ltd_json_add(json, "seed", ltd_json_new_uint64(image->seed));
    add_text(json, "url", url);
    add_number(json, "bytes", (double)blob_size(image->png));
    if (with_bytes) {
        char *base64 = base64_encode_new(blob_data(image->png), blob_size(image->png));

        ltd_json_add(json, "b64_png", base64 ? ltd_json_new_string(base64) : NULL);
        free(base64);
    }
    return json;
}

static struct ltd_json *encode_urls(const char *id)
{
    struct ltd_json *json = ltd_json_new_object();
    char url[96];

    snprintf(url, sizeof url, "/api/v1/jobs/%s", id);
    add_text(json, "self", url);
    snprintf(url, sizeof url, "/api/v1/jobs/%s/cancel", id);
    add_text(json, "cancel", url);
    return json;
}

struct ltd_json *job_encode(const struct job_view *job, const struct model_set *models, bool with_images)
{
    const struct job_record *record = &job->record;
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *images = ltd_json_new_array();

    add_text(json, "id", record->id);
    add_text(json, "status", job_state_name(record->state));
    if (record->state == JOB_QUEUED)
        add_number(json, "position", record->position);
    add_time(json, "created_at", record->created_ms);
    add_time(json, "started_at", record->started_ms);
    add_time(json, "ended_at", record->ended_ms);
    ltd_json_add(json, "progress", encode_progress(job));
    ltd_json_add(json, "request", encode_request(record->request, models));
    ltd_json_add(json, "timings", encode_timings(record));
    ltd_json_add(json, "warnings", encode_warnings(record->request));
    for (int i = 0; i < record->result.image_count; i++)
        ltd_json_append(images, encode_image(record, i, with_images));
    ltd_json_add(json, "images", images);
    if (record->state == JOB_FAILED || record->state == JOB_CANCELED) {
        struct problem problem = {0};

        problem_from_error(&problem, &record->result.error);
        ltd_json_add(json, "error", problem_encode(&problem, NULL));
        problem_fini(&problem);
    }
    ltd_json_add(json, "urls", encode_urls(record->id));
    return json;
}

static struct ltd_json *encode_model(const struct named_model *item, bool is_default)
{
    const struct ltd_model_info *info = ltd_model_info(item->model);
    const struct ltd_gen_params standard = ltd_params_default(item->model);
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *defaults = ltd_json_new_object();

    add_text(json, "name", item->name);
    ltd_json_add(json, "default", ltd_json_new_bool(is_default));
    add_text(json, "about", info->about);
    add_text(json, "family", info->family);
    add_text(json, "prediction_type", info->prediction_type);
    add_text(json, "scheduler_class", info->scheduler_class);
    add_text(json, "dtype", info->dtype);
    add_number(json, "parameters", (double)info->parameters);
    add_number(json, "file_bytes", (double)info->file_bytes);
    add_number(json, "vae_factor", info->vae_factor);
    add_number(json, "token_limit", info->token_limit);
    add_number(json, "native_width", info->native_width);
    add_number(json, "native_height", info->native_height);
    add_settings(defaults, &standard);
    ltd_json_add(json, "defaults", defaults);
    return json;
}

struct ltd_json *models_encode(const struct model_set *models)
{
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < models->count; i++)
        ltd_json_append(list, encode_model(&models->items[i], i == 0));
    ltd_json_add(json, "models", list);
    return json;
}
