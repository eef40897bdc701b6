#include "api/a1111_encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/a1111_decode.h"
#include "api/a1111_fields.h"
#include "api/a1111_sampling.h"
#include "util/base64.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, text ? ltd_json_new_string(text) : ltd_json_new_null());
}

static void add_number(struct ltd_json *object, const char *key, double number)
{
    ltd_json_add(object, key, ltd_json_new_number(number));
}

static void add_bool(struct ltd_json *object, const char *key, bool truth)
{
    ltd_json_add(object, key, ltd_json_new_bool(truth));
}

static struct ltd_json *new_base64(const struct blob *bytes, const char *prefix)
{
    const size_t before = strlen(prefix), size = base64_encoded_size(blob_size(bytes));
    char *text = malloc(before + size + 1);
    struct ltd_json *json;

    if (!text)
        return NULL;
    memcpy(text, prefix, before);
    base64_encode(text + before, blob_data(bytes), blob_size(bytes));
    text[before + size] = '\0';
    json = ltd_json_new_string(text);
    free(text);
    return json;
}

/* What the client sent, from job_request.echo; NULL without memory. */
static struct ltd_json *parse_echo(const struct job_request *request)
{
    static const struct ltd_json_limits limits = {.max_depth = 1000, .max_nodes = SIZE_MAX};
    struct ltd_json *echo = NULL;

    if (!request->echo ||
        ltd_json_parse(request->echo, strlen(request->echo), &limits, &echo, NULL) != LTD_OK)
        return NULL;
    return echo;
}

/* A value that was left to the model, as it was drawn. */
static struct ltd_json *resolved(enum a1111_field field, const struct job_request *request)
{
    const struct ltd_gen_params *p = &request->params;

    switch (field) {
    case A1111_STEPS:
        return ltd_json_new_number(p->steps);
    case A1111_CFG_SCALE:
        return ltd_json_new_number(p->cfg_scale);
    case A1111_WIDTH:
        return ltd_json_new_number(p->width);
    case A1111_HEIGHT:
        return ltd_json_new_number(p->height);
    case A1111_SAMPLER_NAME:
    case A1111_SAMPLER_INDEX:
        return ltd_json_new_string(a1111_sampler_name(p->sampler));
    case A1111_SCHEDULER:
        return ltd_json_new_string(a1111_scheduler_label(p->scheduler));
    default:
        return ltd_json_new_null();
    }
}

static struct ltd_json *new_standard(enum a1111_field field)
{
    const char *text = a1111_field_standard(field);
    struct ltd_json *json = NULL;

    return ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &json, NULL) == LTD_OK ? json : NULL;
}

static struct ltd_json *encode_parameters(const struct job_request *request, const struct ltd_json *echo)
{
    const enum a1111_route route = request->params.init_image ? A1111_IMG2IMG : A1111_TXT2IMG;
    struct ltd_json *json = ltd_json_new_object();

    for (int i = 0; i < A1111_FIELD_COUNT; i++) {
        const enum a1111_field field = (enum a1111_field)i;
        const struct ltd_json *sent = ltd_json_get(echo, a1111_field_name(field));
        struct ltd_json *value;

        if (!a1111_field_is_of(field, route) || !*a1111_field_standard(field))
            continue;
        if (sent)
            value = ltd_json_copy(sent);
        else if (strcmp(a1111_field_standard(field), "null") == 0)
            value = resolved(field, request);
        else
            value = new_standard(field);
        ltd_json_add(json, a1111_field_name(field), value);
    }
    return json;
}

/* A list that says the same of every picture. */
static struct ltd_json *repeat_text(const char *text, int count)
{
    struct ltd_json *list = ltd_json_new_array();

    for (int i = 0; i < count; i++)
        ltd_json_append(list, ltd_json_new_string(text));
    return list;
}

/* A side of the size that the noise is resized from. */
static double told_side(int side)
{
    return side > 0 ? side : -1;
}

static void add_seeds(struct ltd_json *info, const struct job_record *record, const struct ltd_json *echo)
{
    const struct job_result *result = &record->result;
    const struct ltd_gen_params *p = &record->request->params;
    const bool varied = p->subseed_strength > 0;
    const struct ltd_json *sent = ltd_json_get(echo, a1111_field_name(A1111_SUBSEED));
    struct ltd_json *seeds = ltd_json_new_array(), *subseeds = ltd_json_new_array();
    const double subseed = sent ? ltd_json_number(sent) : -1;

    for (int i = 0; i < result->image_count; i++) {
        ltd_json_append(seeds, ltd_json_new_uint64(result->images[i].seed));
        ltd_json_append(subseeds, varied ? ltd_json_new_uint64(ltd_params_subseed(p, i))
                                         : ltd_json_new_number(subseed));
    }
    ltd_json_add(info, "seed", ltd_json_new_uint64(result->images[0].seed));
    ltd_json_add(info, "all_seeds", seeds);
    ltd_json_add(info, "subseed", varied ? ltd_json_new_uint64(p->subseed) : ltd_json_new_number(subseed));
    ltd_json_add(info, "all_subseeds", subseeds);
    add_number(info, "subseed_strength", p->subseed_strength);
    add_number(info, "seed_resize_from_w", told_side(p->seed_resize_from_w));
    add_number(info, "seed_resize_from_h", told_side(p->seed_resize_from_h));
}

static struct ltd_json *encode_warnings(const struct job_request *request)
{
    struct ltd_json *json = ltd_json_new_object();

    for (size_t i = 0; i < request->warning_count; i++) {
        char key[128];

        snprintf(key, sizeof key, "Warning %zu: %s", i + 1, request->warnings[i].field);
        add_text(json, key, request->warnings[i].message);
    }
    return json;
}

static void add_timestamp(struct ltd_json *json, const char *key, int64_t unix_ms)
{
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    char text[32];

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
    add_text(json, key, text);
}

static void add_model(struct ltd_json *info, const struct job_request *request,
                      const struct a1111_catalog *catalog)
{
    const char *vae = a1111_vae_name(catalog);

    add_text(info, "sd_model_name", catalog->models->items[request->model].name);
    ltd_json_add(info, "sd_model_hash", a1111_hash_encode(catalog, request->model, A1111_HASH_LENGTH));
    add_text(info, "sd_vae_name", *vae ? vae : NULL);
    add_text(info, "sd_vae_hash", NULL);
}

/* What stands in the pictures as their text. */
static struct ltd_json *encode_infotexts(const struct job_record *record, const struct a1111_catalog *catalog)
{
    const struct job_request *request = record->request;
    struct ltd_json *list = ltd_json_new_array();
    char sha256[SHA256_TEXT_SIZE];
    const bool known = model_digest_get(catalog->digests, request->model, sha256);
    const struct ltd_model_label label = {catalog->models->items[request->model].name, known ? sha256 : NULL};

    for (int i = 0; i < record->result.image_count; i++) {
        char *text = ltd_params_text(model_set_shapes(catalog->models, request->model), &request->params, i,
                                     &request->form, label);

        ltd_json_append(list, text ? ltd_json_new_string(text) : NULL);
        free(text);
    }
    return list;
}

static struct ltd_json *encode_info(const struct job_record *record, const struct ltd_json *echo,
                                    const struct a1111_catalog *catalog)
{
    const struct ltd_gen_params *p = &record->request->params;
    const struct ltd_json *batch = ltd_json_get(echo, a1111_field_name(A1111_BATCH_SIZE));
    struct ltd_json *info = ltd_json_new_object();

    add_text(info, "prompt", p->prompt);
    ltd_json_add(info, "all_prompts", repeat_text(p->prompt, p->count));
    add_text(info, "negative_prompt", p->negative_prompt);
    ltd_json_add(info, "all_negative_prompts", repeat_text(p->negative_prompt, p->count));
    add_seeds(info, record, echo);
    add_number(info, "width", p->width);
    add_number(info, "height", p->height);
    add_text(info, "sampler_name", a1111_sampler_name(p->sampler));
    add_text(info, "scheduler", a1111_scheduler_label(p->scheduler));
    add_number(info, "cfg_scale", p->cfg_scale);
    add_number(info, "steps", p->steps);
    ltd_json_add(info, "batch_size", batch ? ltd_json_copy(batch) : ltd_json_new_number(1));
    add_bool(info, "restore_faces", false);
    add_text(info, "face_restoration_model", NULL);
    add_model(info, record->request, catalog);
    ltd_json_add(info, "denoising_strength",
                 p->init_image ? ltd_json_new_number(p->strength) : ltd_json_new_null());
    ltd_json_add(info, "extra_generation_params", encode_warnings(record->request));
    add_number(info, "index_of_first_image", 0);
    ltd_json_add(info, "infotexts", encode_infotexts(record, catalog));
    ltd_json_add(info, "styles", ltd_json_new_array());
    add_timestamp(info, "job_timestamp", record->created_ms);
    add_number(info, "clip_skip", p->clip_skip + 1);
    add_bool(info, "is_using_inpainting_conditioning",
             p->init_image &&
                 ltd_model_info(model_set_shapes(catalog->models, record->request->model))->inpaints);
    add_text(info, "version", "latentd " LATENTD_VERSION);
    return info;
}

/* JSON, which is freed, in a string. */
static struct ltd_json *in_string(struct ltd_json *json)
{
    char *text = ltd_json_print(json, false);
    struct ltd_json *string = text ? ltd_json_new_string(text) : NULL;

    free(text);
    ltd_json_free(json);
    return string;
}

struct ltd_json *a1111_answer_encode(const struct job_view *job, const struct a1111_catalog *catalog)
{
    const struct job_record *record = &job->record;
    struct ltd_json *echo = parse_echo(record->request);
    const struct ltd_json *send = ltd_json_get(echo, a1111_field_name(A1111_SEND_IMAGES));
    struct ltd_json *json, *images;

    if (!echo)
        return NULL;
    json = ltd_json_new_object();
    images = ltd_json_new_array();
    /* 0 is as good as false there. */
    if (!send || ltd_json_bool(send) || ltd_json_number(send) != 0)
        for (int i = 0; i < record->result.image_count; i++)
            ltd_json_append(images, new_base64(record->result.images[i].file, ""));
    ltd_json_add(json, "images", images);
    ltd_json_add(json, "parameters", encode_parameters(record->request, echo));
    ltd_json_add(json, "info", in_string(encode_info(record, echo, catalog)));
    ltd_json_free(echo);
    return json;
}

const char *a1111_task_name(const struct job_record *job, char name[A1111_TASK_NAME_SIZE])
{
    const char *task = a1111_task_of(job->request);

    if (task)
        snprintf(name, A1111_TASK_NAME_SIZE, "%s", task);
    else
        snprintf(name, A1111_TASK_NAME_SIZE, "task(%s)", job->id);
    return name;
}

/* A job that has begun is never at 0: that is for nothing at all. */
static double told_fraction(const struct job_view *job)
{
    return job->record.state == JOB_RUNNING ? fmin(0.01 + job->progress.fraction, 1) : 0.01;
}

static struct ltd_json *encode_state(const struct job_view *job)
{
    struct ltd_json *state = ltd_json_new_object();
    const bool img2img = job && job->record.request->params.init_image;

    add_bool(state, "skipped", false);
    add_bool(state, "interrupted", false);
    add_bool(state, "stopping_generation", false);
    add_text(state, "job", !job ? "" : img2img ? "scripts_img2img" : "scripts_txt2img");
    add_number(state, "job_count", job ? job->record.request->params.count : 0);
    if (job)
        add_timestamp(state, "job_timestamp", job->record.created_ms);
    else
        add_text(state, "job_timestamp", "0");
    add_number(state, "job_no", job ? job->progress.image : 0);
    add_number(state, "sampling_step", job ? job->progress.step : 0);
    add_number(state, "sampling_steps", job ? job->progress.steps : 0);
    return state;
}

struct ltd_json *a1111_progress_encode(const struct job_view *job, const struct blob *preview)
{
    struct ltd_json *json = ltd_json_new_object();
    char name[A1111_TASK_NAME_SIZE];

    add_number(json, "progress", job ? told_fraction(job) : 0);
    add_number(json, "eta_relative", job && job->eta_s > 0 ? job->eta_s : 0);
    ltd_json_add(json, "state", encode_state(job));
    ltd_json_add(json, "current_image", preview ? new_base64(preview, "") : ltd_json_new_null());
    add_text(json, "textinfo", job && job->record.state == JOB_QUEUED ? "In queue" : NULL);
    add_text(json, "current_task", job ? a1111_task_name(&job->record, name) : NULL);
    return json;
}

struct ltd_json *a1111_task_encode(const struct job_view *job, const struct blob *preview, int64_t number,
                                   int64_t shown)
{
    const bool queued = job && job->record.state == JOB_QUEUED,
               running = job && job->record.state == JOB_RUNNING;
    const bool fresh = preview && number != shown;
    struct ltd_json *json = ltd_json_new_object();

    add_bool(json, "active", running);
    add_bool(json, "queued", queued);
    add_bool(json, "completed", job && !queued && !running);
    ltd_json_add(json, "progress", running ? ltd_json_new_number(told_fraction(job)) : ltd_json_new_null());
    ltd_json_add(json, "eta",
                 (running || queued) && job->eta_s >= 0 ? ltd_json_new_number(job->eta_s)
                                                        : ltd_json_new_null());
    ltd_json_add(json, "live_preview",
                 fresh ? new_base64(preview, "data:image/png;base64,") : ltd_json_new_null());
    add_number(json, "id_live_preview", preview ? (double)number : (double)shown);
    add_text(json, "textinfo", queued ? "In queue..." : running ? "" : job ? NULL : "Waiting...");
    return json;
}
