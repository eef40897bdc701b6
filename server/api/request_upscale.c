#include "api/request_upscale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/request_image.h"

/* Of what has no network, which enlarges by any. */
#define USUAL_SCALE 2

#define WRONG(id, ...) field_wrong(values, FIELD_##id, problem, __VA_ARGS__)

bool request_upscale_is(const struct field_value values[FIELD_ID_COUNT])
{
    const struct field_value *upscaler = &values[FIELD_UPSCALER];

    if (values[FIELD_KIND].present)
        return values[FIELD_KIND].integer == FIELD_KIND_UPSCALE;
    return (upscaler->present || upscaler->wrong) && !values[FIELD_HR_SCALE].present &&
           !values[FIELD_HR_SCALE].wrong;
}

/* What a request of this kind may say. */
static bool has_meaning(enum field_id id)
{
    static const enum field_id fields[] = {
        FIELD_KIND,   FIELD_IMAGE,         FIELD_UPSCALER,       FIELD_SCALE,           FIELD_NUMERICS,
        FIELD_OUTPUT, FIELD_OUTPUT_FORMAT, FIELD_OUTPUT_QUALITY, FIELD_OUTPUT_LOSSLESS, FIELD_OUTPUT_METADATA,
        FIELD_TAGS,   FIELD_DEADLINE,      FIELD_WEBHOOK,        FIELD_WEBHOOK_URL,     FIELD_WEBHOOK_EVENTS};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i] == id)
            return true;
    return false;
}

static bool check_meaning(const struct request_context *context, struct field_value *values,
                          struct problem *problem, struct job_request *request)
{
    bool memory = true;

    for (int i = 0; i < FIELD_ID_COUNT; i++) {
        const enum field_id id = (enum field_id)i;

        if (!values[id].present || has_meaning(id))
            continue;
        if (context->lenient) {
            memory &= job_request_warn(request, field_of(id)->name, "has no meaning in kind upscale");
            values[id] = (struct field_value){0};
        } else {
            field_wrong(values, id, problem, "has no meaning in kind upscale; leave it out");
        }
    }
    if (!values[FIELD_UPSCALER].present && !values[FIELD_UPSCALER].wrong)
        WRONG(UPSCALER, "is missing; GET /api/v1/upscalers lists what there is");
    if (!values[FIELD_IMAGE].present && !values[FIELD_IMAGE].wrong)
        WRONG(IMAGE, "is missing; send the picture that is to be made larger");
    return memory;
}

/* The first text that programs write settings by. */
static char *settings_of(const uint8_t *bytes, size_t size)
{
    struct ltd_png_texts texts = {0};
    int width, height;
    char *found = NULL;

    if (ltd_picture_texts_read(bytes, size, &width, &height, &texts, NULL) != LTD_OK)
        return NULL;
    for (size_t i = 0; i < texts.count && !found; i++)
        if (strcmp(texts.items[i].keyword, "parameters") == 0)
            found = strdup(texts.items[i].text);
    ltd_png_texts_fini(&texts);
    return found;
}

enum ltd_status request_upscale_open(const uint8_t *bytes, size_t size, size_t max_pixels,
                                     struct ltd_image **image, char **before, struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_decode(bytes, size, max_pixels, image, err);

    *before = st == LTD_OK ? settings_of(bytes, size) : NULL;
    return st;
}

enum ltd_status request_upscale_read(const char *text, size_t max_pixels, struct ltd_image **image,
                                     char **before, struct ltd_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum ltd_status st = request_image_bytes(text, &bytes, &size, err);

    *before = NULL;
    if (st == LTD_OK)
        st = request_upscale_open(bytes, size, max_pixels, image, before, err);
    free(bytes);
    return st;
}

enum ltd_status request_upscale_check(const struct request_context *context,
                                      const struct ltd_upscale_params *params, struct ltd_error *err)
{
    const enum ltd_status st = ltd_upscale_check(context->models->upscalers, params, err);
    size_t pixels;

    if (st != LTD_OK)
        return st;
    pixels = ltd_upscale_pixels(context->models->upscalers, params);
    if (pixels > (size_t)context->limits.max_upscaled_pixels)
        return ltd_fail(err, LTD_ETOOBIG,
                        "makes a picture of %zu pixels, or has one on the way; this server makes pictures "
                        "larger up to %d",
                        pixels, context->limits.max_upscaled_pixels);
    return LTD_OK;
}

double request_upscale_own_scale(const struct ltd_upscalers *upscalers, const char *name)
{
    for (size_t i = 0; i < ltd_upscalers_count(upscalers); i++)
        if (strcmp(ltd_upscalers_at(upscalers, i).name, name) == 0 &&
            ltd_upscalers_at(upscalers, i).factor > 0)
            return ltd_upscalers_at(upscalers, i).factor;
    return USUAL_SCALE;
}

/* Whether the picture can be a file of that format.  false: no memory. */
static bool check_form(struct field_value *values, struct problem *problem, const struct job_request *request)
{
    const struct job_upscale *upscale = &request->upscales[0];
    char *text = request->metadata ? ltd_upscale_text(&upscale->params, upscale->before) : NULL;
    const bool memory = text || !request->metadata;
    struct ltd_error error;

    if (memory && ltd_picture_check(request->form.format, upscale->params.width, upscale->params.height, text,
                                    &error) != LTD_OK)
        WRONG(OUTPUT_FORMAT, "%s", error.message);
    free(text);
    return memory;
}

/* Blames the field that the error is about. */
static void refuse(struct field_value *values, struct problem *problem, const struct ltd_error *error)
{
    if (error->status == LTD_ETOOBIG)
        WRONG(SCALE, "%s", error->message);
    else
        WRONG(UPSCALER, "%s; GET /api/v1/upscalers lists what there is", error->message);
}

bool request_upscale_take(const struct request_context *context, struct field_value values[FIELD_ID_COUNT],
                          struct problem *problem, struct job_request *request)
{
    const bool memory = check_meaning(context, values, problem, request);
    const struct field_value *scale = &values[FIELD_SCALE], *name = &values[FIELD_UPSCALER];
    struct ltd_upscale_params params = {.numerics = request->params.numerics};
    struct ltd_image *image = NULL;
    struct ltd_error error;
    char *before = NULL;

    if (!memory || !values[FIELD_IMAGE].present)
        return memory;
    if (request_upscale_read(values[FIELD_IMAGE].text, (size_t)context->limits.max_pixels, &image, &before,
                             &error) != LTD_OK) {
        WRONG(IMAGE, "%s", error.message);
        return error.status != LTD_ENOMEM;
    }
    if (name->present && !scale->wrong) {
        params.image = image;
        params.upscaler = name->text;
        params.scale = scale->present ? scale->number
                                      : request_upscale_own_scale(context->models->upscalers, name->text);
        params.width = (int)(image->width * params.scale);
        params.height = (int)(image->height * params.scale);
        if (request_upscale_check(context, &params, &error) == LTD_OK)
            return job_request_add_upscale(request, &params, image, before) &&
                   check_form(values, problem, request);
        refuse(values, problem, &error);
    }
    ltd_image_free(image);
    free(before);
    return true;
}

bool request_upscale_take_second_pass(const struct request_context *context,
                                      struct field_value values[FIELD_ID_COUNT], struct problem *problem,
                                      struct job_request *request)
{
    struct ltd_gen_params *p = &request->params;
    const struct ltd_image unseen = {p->width, p->height, NULL};
    struct ltd_upscale_params params = {.image = &unseen};
    struct ltd_error error;

    if (values[FIELD_SCALE].present)
        WRONG(SCALE, "has a meaning only in kind upscale; leave it out");
    if (!values[FIELD_UPSCALER].present)
        return true;
    request->hr_network = strdup(values[FIELD_UPSCALER].text);
    p->hr_network = request->hr_network;
    if (!values[FIELD_HR_UPSCALER].present)
        p->hr_upscaler = LTD_HR_NETWORK;
    if (!p->hr_network || values[FIELD_WIDTH].wrong || values[FIELD_HEIGHT].wrong)
        return p->hr_network != NULL;
    params.upscaler = p->hr_network;
    ltd_params_final_size(model_set_shapes(context->models, request->model), p, &params.width,
                          &params.height);
    /* What else is wrong with it is the engine's to tell. */
    if (ltd_upscale_check(context->models->upscalers, &params, NULL) == LTD_OK &&
        request_upscale_check(context, &params, &error) != LTD_OK)
        WRONG(UPSCALER, "%s", error.message);
    return true;
}
