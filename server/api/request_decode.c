#include "api/request_decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/model.h>
#include <latentd/session.h>

#include "api/picture_texts.h"
#include "api/request_pictures.h"
#include "api/request_upscale.h"
#include "util/edit_distance.h"
#include "util/random_id.h"

struct decoder {
    const struct request_context *context;
    struct field_value values[FIELD_ID_COUNT];
    struct problem *problem;
    struct job_request *request;
    const struct ltd_model *model;
    bool no_memory;
    size_t left_out;  /* members that are no fields */
    int found_before; /* findings that were there already */
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
    struct ltd_error error;
    int found = 0;

    d->model = model_set_shapes(models, 0);
    if (value->present)
        found = model_set_find(models, value->text);
    if (found >= 0) {
        d->request->model = (size_t)found;
        if (model_set_ask(models, d->request->model, &d->model, &error) != LTD_OK)
            WRONG(d, MODEL, "cannot be loaded: %s", error.message);
        return;
    }
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

static void take_noise(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    const struct field_value *v = d->values;

    p->eta = v[FIELD_ETA].present ? v[FIELD_ETA].number : p->eta;
    if (v[FIELD_S_CHURN].wrong) /* what goes with it would be told to be without it */
        return;
    p->s_churn = v[FIELD_S_CHURN].number;
    p->s_tmin = v[FIELD_S_TMIN].number;
    p->s_tmax = v[FIELD_S_TMAX].number;
    p->s_noise = v[FIELD_S_NOISE].present ? v[FIELD_S_NOISE].number : p->s_noise;
}

static void take_numbers(struct decoder *d)
{
    struct ltd_gen_params *p = &d->request->params;
    const struct field_value *v = d->values;

    p->steps = v[FIELD_STEPS].present ? v[FIELD_STEPS].integer : p->steps;
    p->cfg_scale = v[FIELD_CFG_SCALE].present ? v[FIELD_CFG_SCALE].number : p->cfg_scale;
    p->cfg_rescale = v[FIELD_CFG_RESCALE].present ? v[FIELD_CFG_RESCALE].number : p->cfg_rescale;
    if (v[FIELD_IMAGE_GUIDANCE].present)
        p->image_guidance_scale = v[FIELD_IMAGE_GUIDANCE].number;
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
    p->hr_scale = v[FIELD_HR_SCALE].number;
    p->hr_upscaler = (enum ltd_hr_upscaler)v[FIELD_HR_UPSCALER].integer;
    p->hr_steps = v[FIELD_HR_STEPS].integer;
    p->tiling = v[FIELD_TILING].truth;
    p->subseed_strength = v[FIELD_SUBSEED_STRENGTH].number;
    p->seed_resize_from_w = v[FIELD_RESIZE_FROM_W].integer;
    p->seed_resize_from_h = v[FIELD_RESIZE_FROM_H].integer;
    p->mask_invert = v[FIELD_MASK_INVERT].truth;
    p->mask_blur = v[FIELD_MASK_BLUR].integer;
    if (v[FIELD_MASKED_CONTENT].present)
        p->masked_content = (enum ltd_masked_content)v[FIELD_MASKED_CONTENT].integer;
    p->inpaint_full_res = v[FIELD_MASK_FULL_RES].truth;
    p->inpaint_full_res_padding = v[FIELD_MASK_PADDING].integer;
    if (v[FIELD_PROFILE].present)
        p->profile = (enum ltd_profile)v[FIELD_PROFILE].integer;
    if (v[FIELD_NUMERICS].present)
        p->numerics = (enum ltd_numerics)v[FIELD_NUMERICS].integer;
    if (v[FIELD_PRECISION].present)
        p->precision = (enum ltd_precision)v[FIELD_PRECISION].integer;
    d->request->deadline_s = v[FIELD_DEADLINE].present ? v[FIELD_DEADLINE].number : 0;
    d->request->metadata = v[FIELD_OUTPUT_METADATA].present ? v[FIELD_OUTPUT_METADATA].truth : true;
}

/* The file format, and what has a meaning in some of them alone. */
static void take_form(struct decoder *d)
{
    const struct field_value *v = d->values, *format = &v[FIELD_OUTPUT_FORMAT];
    struct ltd_picture_form *form = &d->request->form;

    form->format = format->present ? (enum ltd_picture_format)format->integer : d->context->format;
    form->quality = v[FIELD_OUTPUT_QUALITY].present ? v[FIELD_OUTPUT_QUALITY].integer : LTD_PICTURE_QUALITY;
    form->lossless = v[FIELD_OUTPUT_LOSSLESS].truth;
    if (format->wrong)
        return;
    if (d->context->formats && !(d->context->formats & 1u << form->format))
        WRONG(d, OUTPUT_FORMAT, "is %s, and Accept asks for %s; say the same in both",
              ltd_picture_format_name(form->format), ltd_picture_format_media(d->context->format));
    if (v[FIELD_OUTPUT_QUALITY].present && form->format == LTD_PICTURE_PNG)
        WRONG(d, OUTPUT_QUALITY, "has a meaning only with format jpeg or webp; leave it out");
    if (v[FIELD_OUTPUT_QUALITY].present && form->lossless && form->format == LTD_PICTURE_WEBP)
        WRONG(d, OUTPUT_QUALITY, "has no meaning where nothing is lost; leave it or lossless out");
    if (form->lossless && form->format == LTD_PICTURE_JPEG)
        WRONG(d, OUTPUT_LOSSLESS, "no JPEG is; ask for png or webp");
}

/* Whether the pictures, with their settings, can be files of that format. */
static void check_form(struct decoder *d)
{
    const struct job_request *request = d->request;
    struct ltd_error error;
    enum ltd_status st;
    int width, height;

    if (request->form.format == LTD_PICTURE_PNG || d->problem->error_count > d->found_before)
        return;
    ltd_params_final_size(d->model, &request->params, &width, &height);
    if (request->metadata)
        st = picture_texts_check(&request->params, &request->form, d->model,
                                 d->context->models->items[request->model].name, &error);
    else
        st = ltd_picture_check(request->form.format, width, height, NULL, &error);
    d->no_memory |= st == LTD_ENOMEM;
    if (st != LTD_OK)
        WRONG(d, OUTPUT_FORMAT, "%s", error.message);
}

static void take_seed(struct decoder *d, enum field_id id, uint64_t *seed)
{
    uint32_t drawn = 0;

    if (d->values[id].present) {
        *seed = d->values[id].seed;
    } else if (!d->values[id].wrong) {
        d->no_memory |= !random_u32(&drawn);
        *seed = drawn;
    }
}

/* What has no meaning without another field. */
static void check_needed(struct decoder *d, bool image_is_missed)
{
    static const struct {
        enum field_id field, needs;
    } pairs[] = {{FIELD_HR_UPSCALER, FIELD_HR_SCALE},     {FIELD_HR_STEPS, FIELD_HR_SCALE},
                 {FIELD_SUBSEED, FIELD_SUBSEED_STRENGTH}, {FIELD_STRENGTH, FIELD_IMAGE},
                 {FIELD_IMAGE_GUIDANCE, FIELD_IMAGE},     {FIELD_MASK, FIELD_IMAGE},
                 {FIELD_MASK_FROM, FIELD_MASK},           {FIELD_MASK_INVERT, FIELD_MASK},
                 {FIELD_MASK_BLUR, FIELD_MASK},           {FIELD_MASKED_CONTENT, FIELD_MASK},
                 {FIELD_MASK_FULL_RES, FIELD_MASK},       {FIELD_MASK_PADDING, FIELD_MASK},
                 {FIELD_UPSCALER, FIELD_HR_SCALE},        {FIELD_OUTPAINT, FIELD_IMAGE}};
    const bool outpaints = d->values[FIELD_OUTPAINT].present || d->values[FIELD_OUTPAINT].wrong;
    const bool second_pass = d->values[FIELD_HR_SCALE].present || d->values[FIELD_HR_SCALE].wrong;
    char message[96];

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct field_value *value = &d->values[pairs[i].field];
        const struct field_value *needed = &d->values[pairs[i].needs];
        const char *name = field_of(pairs[i].needs)->name;

        if (!value->present || needed->present || needed->wrong ||
            (image_is_missed && pairs[i].needs == FIELD_IMAGE) ||
            (second_pass && pairs[i].field == FIELD_STRENGTH) ||
            (outpaints && (pairs[i].field == FIELD_MASK_BLUR || pairs[i].field == FIELD_MASKED_CONTENT)))
            continue;
        if (d->context->lenient) {
            snprintf(message, sizeof message, "has no meaning without %s", name);
            d->no_memory |= !job_request_warn(d->request, field_of(pairs[i].field)->name, message);
            *value = (struct field_value){0};
        } else {
            field_wrong(d->values, pairs[i].field, d->problem, "has a meaning only with %s; leave it out",
                        name);
        }
    }
}

static void check_kind(struct decoder *d)
{
    const struct field_value *v = d->values;
    const bool has_image = v[FIELD_IMAGE].present || v[FIELD_IMAGE].wrong;
    const bool lacks_image =
        v[FIELD_KIND].present && v[FIELD_KIND].integer == FIELD_KIND_IMG2IMG && !has_image;

    if (!v[FIELD_PROMPT].present && !v[FIELD_PROMPT].wrong)
        WRONG(d, PROMPT, "is missing; send the text to draw (\"\" is valid)");
    if (v[FIELD_KIND].present && v[FIELD_KIND].integer == FIELD_KIND_TXT2IMG && has_image)
        WRONG(d, KIND, "txt2img takes no image; leave out kind or image");
    if (lacks_image)
        WRONG(d, IMAGE, "is missing; img2img starts from a picture");
    check_needed(d, lacks_image);
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
    const bool width_is_asked = d->values[FIELD_WIDTH].present || !d->values[FIELD_HEIGHT].present;
    const enum field_id blamed = p->hr_scale > 0  ? FIELD_HR_SCALE
                                 : width_is_asked ? FIELD_WIDTH
                                                  : FIELD_HEIGHT;
    int width, height;

    ltd_params_final_size(d->model, p, &width, &height);
    if (!d->values[FIELD_WIDTH].wrong && !d->values[FIELD_HEIGHT].wrong &&
        (int64_t)width * height > d->context->limits.max_pixels)
        field_wrong(d->values, blamed, d->problem,
                    "%d x %d is %lld pixels; this server makes pictures of at most %d", width, height,
                    (long long)width * height, d->context->limits.max_pixels);
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

/* Finds what else is wrong with a request of which a side is. */
static void check_without_size(struct decoder *d)
{
    const struct ltd_gen_params recommended = ltd_params_default(d->model);
    struct ltd_gen_params params = d->request->params;

    if (d->values[FIELD_WIDTH].wrong)
        params.width = recommended.width;
    if (d->values[FIELD_HEIGHT].wrong)
        params.height = recommended.height;
    params.init_image = params.mask = NULL;
    ltd_params_check(d->model, &params, on_finding, d);
}

/* Sides that the model cannot draw are for ltd_params_check to tell; no picture is brought to them. */
static bool size_can_be(const struct decoder *d)
{
    const int factor = ltd_model_info(d->model)->vae_factor;

    return d->request->params.width % factor == 0 && d->request->params.height % factor == 0;
}

static void decode_upscale(struct decoder *d)
{
    take_numbers(d);
    take_form(d);
    take_tags(d);
    take_webhook(d);
    d->no_memory |= !request_upscale_take(d->context, d->values, d->problem, d->request);
}

/* What is drawn, when all has been taken. */
static void check_picture(struct decoder *d, struct request_pictures *pictures)
{
    check_size(d);
    /* Without its model, nothing more can be said of a request. */
    if (d->no_memory || pictures->no_memory || d->values[FIELD_MODEL].wrong)
        return;
    if (d->values[FIELD_WIDTH].wrong || d->values[FIELD_HEIGHT].wrong) {
        check_without_size(d);
    } else {
        if (size_can_be(d))
            request_pictures_fit(pictures);
        ltd_params_check(d->model, &d->request->params, on_finding, d);
    }
    check_form(d);
}

static void decode(struct decoder *d, const struct ltd_json *document)
{
    struct job_request *request = d->request;
    struct request_pictures pictures;

    fields_read(&(const struct field_reader){&d->context->limits, d->values, d->problem,
                                             d->context->lenient ? on_left_out : NULL, d},
                document);
    warn_of_more_left_out(d);
    choose_model(d);
    request->params = ltd_params_default(d->model);
    if (request_upscale_is(d->values)) {
        decode_upscale(d);
        return;
    }
    check_kind(d);
    take_text(d, FIELD_PROMPT, &request->prompt, &request->params.prompt);
    take_text(d, FIELD_NEGATIVE_PROMPT, &request->negative_prompt, &request->params.negative_prompt);
    take_noise(d);
    take_numbers(d);
    take_form(d);
    take_loras(d);
    take_seed(d, FIELD_SEED, &request->params.seed);
    if (request->params.subseed_strength > 0)
        take_seed(d, FIELD_SUBSEED, &request->params.subseed);
    take_tags(d);
    take_webhook(d);
    pictures = (struct request_pictures){d->context, d->model, d->values, d->problem, request, false};
    request_pictures_take(&pictures);
    d->no_memory |= !request_upscale_take_second_pass(d->context, d->values, d->problem, d->request);
    check_picture(d, &pictures);
    d->no_memory |= pictures.no_memory;
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

static void conclude(struct decoder *d)
{
    if (d->no_memory)
        problem_set(d->problem, 503, "no_memory", "no memory for the request; try again later");
    else if (d->problem->error_count > d->found_before)
        problem_set_invalid(d->problem);
}

bool request_decode_json(const struct request_context *context, const struct ltd_json *document,
                         struct job_request **out, struct problem *problem)
{
    struct decoder d = {.context = context,
                        .problem = problem,
                        .request = job_request_new(),
                        .found_before = problem->error_count};

    if (!d.request)
        d.no_memory = true;
    else if (ltd_json_type(document) != LTD_JSON_OBJECT)
        problem_add(problem, "", "the request must be an object");
    else
        decode(&d, document);
    conclude(&d);
    if (!d.no_memory && problem->error_count == d.found_before) {
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
