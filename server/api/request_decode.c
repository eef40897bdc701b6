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
};

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
    p->count = v[FIELD_COUNT].present ? v[FIELD_COUNT].integer : 1;
    p->strength = v[FIELD_STRENGTH].present ? v[FIELD_STRENGTH].number : p->strength;
    p->clip_skip = v[FIELD_CLIP_SKIP].present ? v[FIELD_CLIP_SKIP].integer : p->clip_skip;
    p->width = v[FIELD_WIDTH].present ? v[FIELD_WIDTH].integer : p->width;
    p->height = v[FIELD_HEIGHT].present ? v[FIELD_HEIGHT].integer : p->height;
    if (v[FIELD_SAMPLER].present)
        p->sampler = (enum ltd_sampler)v[FIELD_SAMPLER].integer;
    if (v[FIELD_SCHEDULER].present)
        p->scheduler = (enum ltd_scheduler)v[FIELD_SCHEDULER].integer;
    if (v[FIELD_PROFILE].present)
        p->profile = (enum ltd_profile)v[FIELD_PROFILE].integer;
    if (v[FIELD_NUMERICS].present)
        p->numerics = (enum ltd_numerics)v[FIELD_NUMERICS].integer;
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

    if (!v[FIELD_PROMPT].present && !v[FIELD_PROMPT].wrong)
        WRONG(d, PROMPT, "is missing; send the text to draw (\"\" is valid)");
    if (v[FIELD_KIND].present && v[FIELD_KIND].integer == KIND_TXT2IMG && has_image)
        WRONG(d, KIND, "txt2img takes no image; leave out kind or image");
    if (v[FIELD_KIND].present && v[FIELD_KIND].integer == KIND_IMG2IMG && !has_image)
        WRONG(d, IMAGE, "is missing; img2img starts from a picture");
    if (v[FIELD_STRENGTH].present && !has_image && !v[FIELD_IMAGE].wrong)
        WRONG(d, STRENGTH, "has a meaning only with an image; leave it out");
}

/* Checks one side and proposes the nearest that would do. */
static void check_side(struct decoder *d, enum field_id id, int side)
{
    const int factor = ltd_model_info(d->model)->vae_factor;
    const int below = side / factor * factor;

    if (side % factor == 0 || d->values[id].wrong)
        return;
    if (below > 0)
        field_wrong(d->values, id, d->problem, "%d is not a multiple of %d; send %d or %d", side, factor,
                    below, below + factor);
    else
        field_wrong(d->values, id, d->problem, "%d is not a multiple of %d; send %d", side, factor, factor);
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
    check_side(d, FIELD_WIDTH, p->width);
    check_side(d, FIELD_HEIGHT, p->height);
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
        if (d->values[id].wrong && strcmp(field_pointer((enum field_id)id), pointer) == 0)
            return;
    problem_add(d->problem, pointer, message);
}

static void warn_resized(struct decoder *d, int from_width, int from_height)
{
    const struct ltd_gen_params *p = &d->request->params;
    char message[160];

    snprintf(message, sizeof message, "the picture of %d x %d was resized to %d x %d", from_width,
             from_height, p->width, p->height);
    d->no_memory |= !job_request_warn(d->request, "image", message);
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
    if (!d->values[FIELD_WIDTH].present)
        p->width = image->width < factor ? factor : image->width / factor * factor;
    if (!d->values[FIELD_HEIGHT].present)
        p->height = image->height < factor ? factor : image->height / factor * factor;
}

static void fit_image(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    struct ltd_image *image = d->request->image, *fitted = NULL;
    struct ltd_error error;

    if (!image)
        return;
    if (image->width != p->width || image->height != p->height) {
        if (ltd_image_resize(image, p->width, p->height, &fitted, &error) != LTD_OK) {
            d->no_memory |= error.status == LTD_ENOMEM;
            WRONG(d, IMAGE, "%s", error.message);
            return;
        }
        warn_resized(d, image->width, image->height);
        ltd_image_free(image);
        d->request->image = fitted;
    }
    p->init_image = d->request->image;
}

/* Finds what else is wrong with a request whose size is. */
static void check_without_size(struct decoder *d)
{
    const struct ltd_gen_params recommended = ltd_params_default(d->model);
    struct ltd_gen_params params = d->request->params;

    params.width = recommended.width;
    params.height = recommended.height;
    params.init_image = NULL;
    ltd_params_check(d->model, &params, on_finding, d);
}

static void decode(struct decoder *d, const struct ltd_json *document)
{
    struct job_request *request = d->request;

    fields_read(document, &d->context->limits, d->values, d->problem);
    choose_model(d);
    request->params = ltd_params_default(d->model);
    take_text(d, FIELD_PROMPT, &request->prompt, &request->params.prompt);
    take_text(d, FIELD_NEGATIVE_PROMPT, &request->negative_prompt, &request->params.negative_prompt);
    take_numbers(d);
    take_seed(d);
    check_kind(d);
    take_image(d);
    check_size(d);
    /* Without its model, nothing more can be said of a request. */
    if (d->no_memory || d->values[FIELD_MODEL].wrong)
        return;
    if (d->values[FIELD_WIDTH].wrong || d->values[FIELD_HEIGHT].wrong)
        check_without_size(d);
    else {
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
