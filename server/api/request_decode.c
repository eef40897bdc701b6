#include "api/request_decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/model.h>

#include "api/request_image.h"
#include "util/edit_distance.h"
#include "util/random_id.h"

enum { KIND_TXT2IMG, KIND_IMG2IMG }; /* the words of "kind" */

struct decoder {
    const struct request_context *context;
    struct field_value values[FIELD_ID_COUNT];
    struct problem *problem;
    struct job_request *request;
    const struct ltd_model *model;
    bool no_memory;
    size_t left_out; /* members that are no fields */
};

/* Of members that were left out; there are to be others. */
enum { MAX_LEFT_OUT_WARNINGS = 8 };

#define WRONG(d, id, ...) field_wrong((d)->values, FIELD_##id, (d)->problem, __VA_ARGS__)

static void choose_model(struct decoder *d)
{
    const struct model_set *models = d->context->models;
    const struct field_value *value = &d->values[FIELD_MODEL];
    const char *near = NULL;
    char shown[FIELD_SHOWN_SIZE];
    int found = 0;

    if (value->present)
        found = model_set_find(models, value->text);
    d->request->model = found < 0 ? 0 : (size_t)found;
    d->model = models->items[d->request->model].model;
    if (found >= 0)
        return;
    for (size_t i = 0; i < models->count && !near; i++)
        if (edit_distance_is_near(value->text, models->items[i].name))
            near = models->items[i].name;
    WRONG(d, MODEL, "\"%s\" is not served here%s%s%s; GET /api/v1/models lists what is",
          field_shown(shown, value->text), near ? ", did you mean \"" : "", near ? near : "",
          near ? "\"?" : "");
}

static void take_text(struct decoder *d, enum field_id id, char **owned, const char **param)
{
    *owned = strdup(d->values[id].present ? d->values[id].text : "");
    d->no_memory |= !*owned;
    *param = *owned;
}

static void take_numbers(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    const struct field_value *v = d->values;

    p->steps = v[FIELD_STEPS].present ? v[FIELD_STEPS].integer : p->steps;
    p->cfg_scale = v[FIELD_CFG_SCALE].present ? v[FIELD_CFG_SCALE].number : p->cfg_scale;
    p->cfg_rescale = v[FIELD_CFG_RESCALE].present ? v[FIELD_CFG_RESCALE].number : p->cfg_rescale;
    p->count = v[FIELD_COUNT].present ? v[FIELD_COUNT].integer : 1;
    p->strength = v[FIELD_STRENGTH].present ? v[FIELD_STRENGTH].number : p->strength;
    p->clip_skip = v[FIELD_CLIP_SKIP].present ? v[FIELD_CLIP_SKIP].integer : p->clip_skip;
    p->width = v[FIELD_WIDTH].present ? v[FIELD_WIDTH].integer : p->width;
    p->height = v[FIELD_HEIGHT].present ? v[FIELD_HEIGHT].integer : p->height;
    p->guidance_start = v[FIELD_GUIDANCE_START].present ? v[FIELD_GUIDANCE_START].number : p->guidance_start;
    p->guidance_end = v[FIELD_GUIDANCE_END].present ? v[FIELD_GUIDANCE_END].number : p->guidance_end;
    if (v[FIELD_DEEPCACHE].present)
        p->deepcache_interval = v[FIELD_DEEPCACHE].integer;
    if (v[FIELD_SAMPLER].present)
        p->sampler = (enum ltd_sampler)v[FIELD_SAMPLER].integer;
    if (v[FIELD_SCHEDULER].present)
        p->scheduler = (enum ltd_scheduler)v[FIELD_SCHEDULER].integer;
    if (v[FIELD_PROFILE].present)
        p->profile = (enum ltd_profile)v[FIELD_PROFILE].integer;
    if (v[FIELD_NUMERICS].present)
        p->numerics = (enum ltd_numerics)v[FIELD_NUMERICS].integer;
    d->request->deadline_s = v[FIELD_DEADLINE].present ? v[FIELD_DEADLINE].number : 0;
    d->request->metadata = v[FIELD_OUTPUT_METADATA].present ? v[FIELD_OUTPUT_METADATA].truth : true;
}

static void take_seed(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    uint32_t drawn = 0;

    if (d->values[FIELD_SEED].present) {
        p->seed = d->values[FIELD_SEED].seed;
    } else if (!d->values[FIELD_SEED].wrong) {
        d->no_memory |= !random_u32(&drawn);
        p->seed = drawn;
    }
}

static void check_kind(struct decoder *d)
{
    const struct field_value *v = d->values;
    const bool has_image = v[FIELD_IMAGE].present || v[FIELD_IMAGE].wrong;
    const bool lacks_image = v[FIELD_KIND].present && v[FIELD_KIND].integer == KIND_IMG2IMG && !has_image;

    if (!v[FIELD_PROMPT].present && !v[FIELD_PROMPT].wrong)
        WRONG(d, PROMPT, "is missing; send the text to draw (\"\" is valid)");
    if (v[FIELD_KIND].present && v[FIELD_KIND].integer == KIND_TXT2IMG && has_image)
        WRONG(d, KIND, "txt2img takes no image; leave out kind or image");
    if (lacks_image)
        WRONG(d, IMAGE, "is missing; img2img starts from a picture");
    if (!v[FIELD_STRENGTH].present || has_image || lacks_image)
        return;
    if (d->context->lenient)
        d->no_memory |= !job_request_warn(d->request, "strength", "has no meaning without an image");
    else
        WRONG(d, STRENGTH, "has a meaning only with an image; leave it out");
}

static void take_loras(struct decoder *d)
{
    const struct field_value *value = &d->values[FIELD_LORAS];

    for (const struct ltd_json *l = value->present ? ltd_json_first(value->list) : NULL; l;
         l = ltd_json_next(l)) {
        const struct ltd_json *weight = ltd_json_get(l, "weight"), *text = ltd_json_get(l, "text_weight");
        struct ltd_lora lora = {ltd_json_string(ltd_json_get(l, "name")),
                                weight ? ltd_json_number(weight) : 1, 0};

        lora.text_weight = text ? ltd_json_number(text) : lora.weight;
        d->no_memory |= !job_request_add_lora(d->request, &lora);
    }
}

static void take_tags(struct decoder *d)
{
    if (!d->values[FIELD_TAGS].present)
        return;
    for (const struct ltd_json *tag = ltd_json_first(d->values[FIELD_TAGS].list); tag;
         tag = ltd_json_next(tag))
        d->no_memory |= !job_request_tag(d->request, ltd_json_string(tag));
}

static void take_webhook(struct decoder *d)
{
    const struct field_value *url = &d->values[FIELD_WEBHOOK_URL];
    const struct field_value *events = &d->values[FIELD_WEBHOOK_EVENTS];
    char why[192];

    if (!d->values[FIELD_WEBHOOK].present)
        return;
    if (!url->present && !url->wrong)
        WRONG(d, WEBHOOK_URL, "is missing; send whom to tell");
    if (!url->present)
        return;
    if (d->context->take_webhook &&
        !d->context->take_webhook(d->context->webhooks, url->text, why, sizeof why))
        WRONG(d, WEBHOOK_URL, "%s", why);
    else
        d->no_memory |= !job_request_set_webhook(d->request, url->text, events->present ? events->words : 0);
}

static void on_left_out(void *arg, const char *pointer, const char *detail)
{
    struct decoder *d = arg;

    if (++d->left_out <= MAX_LEFT_OUT_WARNINGS)
        d->no_memory |= !job_request_warn(d->request, pointer + 1, detail);
}

static void warn_of_more_left_out(struct decoder *d)
{
    char message[96];

    if (d->left_out <= MAX_LEFT_OUT_WARNINGS)
        return;
    snprintf(message, sizeof message, "%zu more members are not fields, and were left out",
             d->left_out - MAX_LEFT_OUT_WARNINGS);
    d->no_memory |= !job_request_warn(d->request, "", message);
}

static void check_size(struct decoder *d)
{
    const struct ltd_gen_params *p = &d->request->params;
    const int64_t pixels = (int64_t)p->width * p->height;
    const bool width_is_asked = d->values[FIELD_WIDTH].present || !d->values[FIELD_HEIGHT].present;

    if (!d->values[FIELD_WIDTH].wrong && !d->values[FIELD_HEIGHT].wrong &&
        pixels > d->context->limits.max_pixels)
        field_wrong(d->values, width_is_asked ? FIELD_WIDTH : FIELD_HEIGHT, d->problem,
                    "%d x %d is %lld pixels; this server makes pictures of at most %d", p->width, p->height,
                    (long long)pixels, d->context->limits.max_pixels);
}

static void on_finding(void *arg, bool warning, const char *field, const char *message)
{
    struct decoder *d = arg;
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/%s", field);
    if (warning) {
        if (d->request->warning_count < JOB_MAX_WARNINGS)
            d->no_memory |= !job_request_warn(d->request, field, message);
        return;
    }
    for (int id = 0; id < FIELD_ID_COUNT; id++)
        if (d->values[id].wrong && strcmp(field_of((enum field_id)id)->pointer, pointer) == 0)
            return;
    problem_add(d->problem, pointer, message);
}

static void take_image(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    const int factor = ltd_model_info(d->model)->vae_factor;
    struct ltd_image *image = NULL;
    struct ltd_error error;

    if (!d->values[FIELD_IMAGE].present)
        return;
    if (request_image_decode(d->values[FIELD_IMAGE].text, (size_t)d->context->limits.max_pixels, &image,
                             &error) != LTD_OK) {
        d->no_memory |= error.status == LTD_ENOMEM;
        WRONG(d, IMAGE, "%s", error.message);
        return;
    }
    d->request->image = image;
    request_image_size(image, factor, d->values[FIELD_WIDTH].present, d->values[FIELD_HEIGHT].present, p);
}

static void fit_image(struct decoder *d)
{
    struct job_request *request = d->request;
    char told[REQUEST_IMAGE_TOLD_SIZE];
    struct ltd_error error;

    if (!request->image)
        return;
    if (request_image_fit(&request->image, &request->params, told, &error) != LTD_OK) {
        d->no_memory |= error.status == LTD_ENOMEM;
        WRONG(d, IMAGE, "%s", error.message);
    } else if (told[0]) {
        d->no_memory |= !job_request_warn(request, "image", told);
    }
}

/* Finds what else is wrong with a request of which a side is. */
static void check_without_size(struct decoder *d)
{
    const struct ltd_gen_params recommended = ltd_params_default(d->model);
    struct ltd_gen_params params = d->request->params;

    if (d->values[FIELD_WIDTH].wrong)
        params.width = recommended.width;
    if (d->values[FIELD_HEIGHT].wrong)
        params.height = recommended.height;
    params.init_image = NULL;
    ltd_params_check(d->model, &params, on_finding, d);
}

/* Sides that the model cannot draw are for ltd_params_check to tell; no picture is brought to them. */
static bool size_can_be(const struct decoder *d)
{
    const int factor = ltd_model_info(d->model)->vae_factor;

    return d->request->params.width % factor == 0 && d->request->params.height % factor == 0;
}

static void decode(struct decoder *d, const struct ltd_json *document)
{
    struct job_request *request = d->request;

    fields_read(&(const struct field_reader){&d->context->limits, d->values, d->problem,
                                             d->context->lenient ? on_left_out : NULL, d},
                document);
    warn_of_more_left_out(d);
    choose_model(d);
    request->params = ltd_params_default(d->model);
    take_text(d, FIELD_PROMPT, &request->prompt, &request->params.prompt);
    take_text(d, FIELD_NEGATIVE_PROMPT, &request->negative_prompt, &request->params.negative_prompt);
    take_numbers(d);
    take_loras(d);
    take_seed(d);
    take_tags(d);
    take_webhook(d);
    check_kind(d);
    take_image(d);
    check_size(d);
    /* Without its model, nothing more can be said of a request. */
    if (d->no_memory || d->values[FIELD_MODEL].wrong)
        return;
    if (d->values[FIELD_WIDTH].wrong || d->values[FIELD_HEIGHT].wrong) {
        check_without_size(d);
    } else {
        if (size_can_be(d))
            fit_image(d);
        ltd_params_check(d->model, &request->params, on_finding, d);
    }
}

bool request_parse(const char *body, size_t size, struct ltd_json **out, struct problem *problem)
{
    struct ltd_error error;
    const enum ltd_status st = ltd_json_parse(body ? body : "", size, &ltd_json_request_limits, out, &error);

    if (st == LTD_OK)
        return true;
    if (st == LTD_ENOMEM)
        problem_from_error(problem, &error);
    else
        problem_set(problem, 400, st == LTD_ETOOBIG ? "json_too_big" : "json_syntax",
                    "the body is not JSON that this server takes: %s", error.message);
    return false;
}

static void conclude(struct decoder *d, int found_before)
{
    if (d->no_memory)
        problem_set(d->problem, 503, "no_memory", "no memory for the request; try again later");
    else if (d->problem->error_count > found_before)
        problem_set_invalid(d->problem);
}

bool request_decode_json(const struct request_context *context, const struct ltd_json *document,
                         struct job_request **out, struct problem *problem)
{
    struct decoder d = {.context = context, .problem = problem, .request = job_request_new()};
    const int found_before = problem->error_count;

    if (!d.request)
        d.no_memory = true;
    else if (ltd_json_type(document) != LTD_JSON_OBJECT)
        problem_add(problem, "", "the request must be an object");
    else
        decode(&d, document);
    conclude(&d, found_before);
    if (!d.no_memory && problem->error_count == found_before) {
        *out = d.request;
        return true;
    }
    job_request_unref(d.request);
    return false;
}

bool request_decode(const struct request_context *context, const char *body, size_t size,
                    struct job_request **out, struct problem *problem)
{
    struct ltd_json *document = NULL;
    bool right;

    if (!request_parse(body, size, &document, problem))
        return false;
    right = request_decode_json(context, document, out, problem);
    ltd_json_free(document);
    return right;
}
