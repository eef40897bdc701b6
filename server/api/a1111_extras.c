#include "api/a1111_extras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <latentd/upscale.h>

#include "api/a1111_fields.h"
#include "api/a1111_models.h"
#include "api/request_upscale.h"
#include "util/base64.h"

enum extra {
#define A1111_EXTRA(id, ...) EXTRA_##id,
#include "api/a1111_extras.def"
#undef A1111_EXTRA
    EXTRA_COUNT
};

static const struct row {
    const char *name;
    enum a1111_type type;
    enum a1111_effect effect;
    const char *why;
} rows[EXTRA_COUNT] = {
#define A1111_EXTRA(id, name, type, effect, why) {name, A1111_TYPE_##type, A1111_##effect, why},
#include "api/a1111_extras.def"
#undef A1111_EXTRA
};

/* What is no network; the engine knows the last two by the same names in small letters. */
static const char *const without_network[] = {"None", "Lanczos", "Nearest"};

struct extras {
    const struct request_context *context;
    struct a1111_value values[EXTRA_COUNT];
    const char *upscaler[2]; /* by the engine's names; NULL: none */
    struct a1111_refusal *refusal;
};

static double number_of(const struct extras *e, enum extra id, double standard)
{
    return e->values[id].present ? e->values[id].number : standard;
}

static const char *read_upscaler(struct extras *e, enum extra id)
{
    const char *text = e->values[id].text;
    char shown[FIELD_SHOWN_SIZE];
    struct ltd_upscaler_info found;

    if (!text || !*text || strcasecmp(text, without_network[0]) == 0)
        return NULL;
    found = a1111_upscaler_info(e->context->models->upscalers, text);
    if (!found.name)
        a1111_refuse_value(e->refusal, rows[id].name, "value_error",
                           "\"%s\" is not there; GET /sdapi/v1/upscalers lists what is",
                           field_shown(shown, text));
    else if (found.refused)
        a1111_refuse_value(e->refusal, rows[id].name, "value_error", "\"%s\" cannot be used: %s",
                           field_shown(shown, text), found.refused);
    return found.name;
}

static void check_numbers(struct extras *e)
{
    const double mode = number_of(e, EXTRA_RESIZE_MODE, 0), factor = number_of(e, EXTRA_FACTOR, 2);
    static const enum extra sides[] = {EXTRA_WIDTH, EXTRA_HEIGHT};

    if (mode != 0 && mode != 1)
        a1111_refuse_value(e->refusal, rows[EXTRA_RESIZE_MODE].name, "value_error", "is %g; send 0 or 1",
                           mode);
    if (!(number_of(e, EXTRA_VISIBILITY_2, 0) >= 0 && number_of(e, EXTRA_VISIBILITY_2, 0) <= 1))
        a1111_refuse_value(e->refusal, rows[EXTRA_VISIBILITY_2].name, "value_error",
                           "is %g; send a number from 0 to 1", number_of(e, EXTRA_VISIBILITY_2, 0));
    if (!(factor > 0))
        a1111_refuse_value(e->refusal, rows[EXTRA_FACTOR].name, "value_error", "is %g; send a number above 0",
                           factor);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        if (number_of(e, sides[i], 512) < 1)
            a1111_refuse_value(e->refusal, rows[sides[i]].name, "value_error", "is %g; send at least 1",
                               number_of(e, sides[i], 512));
}

/* What is no field here is told as a warning of the request. */
static bool read_fields(struct extras *e, const struct ltd_json *document, const char *pictures,
                        struct job_request *request)
{
    bool memory = true;

    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        int i = 0;

        while (i < EXTRA_COUNT && strcmp(rows[i].name, ltd_json_key(member)) != 0)
            i++;
        if (i == EXTRA_COUNT && strcmp(ltd_json_key(member), pictures) != 0 &&
            request->warning_count < JOB_MAX_WARNINGS)
            memory &= job_request_warn(request, ltd_json_key(member), "is no field here, and was ignored");
        if (i < EXTRA_COUNT &&
            a1111_value_read(member, rows[i].type, rows[i].name, &e->values[i], e->refusal))
            a1111_value_check(&e->values[i], rows[i].type, rows[i].effect, rows[i].name, rows[i].why,
                              e->refusal);
    }
    e->upscaler[0] = read_upscaler(e, EXTRA_UPSCALER_1);
    e->upscaler[1] = read_upscaler(e, EXTRA_UPSCALER_2);
    check_numbers(e);
    return memory;
}

/* The size that is asked for of params->image; of mode 1, first one that covers it, which is then cut. */
static enum ltd_status set_size(const struct extras *e, struct ltd_upscale_params *params,
                                struct ltd_error *err)
{
    const struct ltd_image *image = params->image;
    const bool to_size = number_of(e, EXTRA_RESIZE_MODE, 0) == 1;
    const bool cut = to_size && (!e->values[EXTRA_CROP].present || e->values[EXTRA_CROP].truth);
    const double wanted_w = number_of(e, EXTRA_WIDTH, 512), wanted_h = number_of(e, EXTRA_HEIGHT, 512);
    double factor = number_of(e, EXTRA_FACTOR, 2), width, height;

    if (to_size)
        factor = fmax(wanted_w / image->width, wanted_h / image->height);
    width = to_size ? fmax(round(image->width * factor), wanted_w) : floor(image->width * factor);
    height = to_size ? fmax(round(image->height * factor), wanted_h) : floor(image->height * factor);
    if (width < 1 || height < 1)
        return ltd_fail(err, LTD_EINVAL, "nothing would be left of the picture");
    if (width > 65535 || height > 65535)
        return ltd_fail(err, LTD_ETOOBIG, "%.0f x %.0f pixels are more than any picture has", width, height);
    params->width = (int)width;
    params->height = (int)height;
    params->scale = to_size ? 0 : factor;
    params->crop_width = cut ? (int)wanted_w : 0;
    params->crop_height = cut ? (int)wanted_h : 0;
    return LTD_OK;
}

static enum ltd_status set_params(const struct extras *e, struct ltd_upscale_params *params,
                                  struct ltd_error *err)
{
    enum ltd_status st;

    if (!e->upscaler[0]) {
        params->upscaler = "nearest"; /* to the size that it has */
        params->width = params->image->width;
        params->height = params->image->height;
        return LTD_OK;
    }
    params->upscaler = e->upscaler[0];
    params->visibility_2 = number_of(e, EXTRA_VISIBILITY_2, 0);
    params->upscaler_2 = params->visibility_2 > 0 ? e->upscaler[1] : NULL;
    st = set_size(e, params, err);
    return st == LTD_OK ? request_upscale_check(e->context, params, err) : st;
}

/* Adds one picture to the request.  false: refused, or without memory. */
static bool add_picture(const struct extras *e, const struct ltd_json *picture, const char *place,
                        struct job_request *request)
{
    const char *text = ltd_json_string(picture);
    struct ltd_upscale_params params = {0};
    struct ltd_image *image = NULL;
    struct ltd_error error;
    char *before = NULL;
    enum ltd_status st;

    if (!text) {
        a1111_refuse_value(e->refusal, place, picture ? "type_error.str" : "value_error.missing",
                           "send a PNG, JPEG or WebP as base64");
        return false;
    }
    st = request_upscale_read(text, (size_t)e->context->limits.max_pixels, &image, &before, &error);
    params.image = image;
    if (st == LTD_OK)
        st = set_params(e, &params, &error);
    if (st == LTD_OK)
        return job_request_add_upscale(request, &params, image, before);
    if (st != LTD_ENOMEM)
        a1111_refuse_value(e->refusal, place, "value_error", "%s", error.message);
    ltd_image_free(image);
    free(before);
    return false;
}

static bool add_batch(const struct extras *e, const struct ltd_json *list, struct job_request *request)
{
    const size_t most = (size_t)e->context->limits.max_count;

    if (ltd_json_type(list) != LTD_JSON_ARRAY || !ltd_json_first(list)) {
        a1111_refuse_value(e->refusal, "imageList", "type_error.list",
                           "send an array of objects with data, a PNG, JPEG or WebP as base64, and name");
        return false;
    }
    if (ltd_json_size(list) > most) {
        a1111_refuse_value(e->refusal, "imageList", "value_error", "has %zu pictures; send at most %zu",
                           ltd_json_size(list), most);
        return false;
    }
    for (const struct ltd_json *item = ltd_json_first(list); item; item = ltd_json_next(item))
        if (!add_picture(e, ltd_json_get(item, "data"), "imageList/data", request))
            return false;
    return true;
}

struct job_request *a1111_extras_decode(const struct ltd_json *document, bool batch,
                                        const struct request_context *context, struct a1111_refusal *refusal)
{
    const char *pictures = batch ? "imageList" : "image";
    struct extras e = {.context = context, .refusal = refusal};
    struct job_request *request = job_request_new();
    bool right;

    if (ltd_json_type(document) != LTD_JSON_OBJECT)
        a1111_refuse_value(refusal, "", "type_error.dict", "is %s; send an object",
                           ltd_json_type_name(ltd_json_type(document)));
    right = request && refusal->status == 0 && read_fields(&e, document, pictures, request) &&
            refusal->status == 0;
    if (right) {
        request->params = ltd_params_default(model_set_shapes(context->models, 0));
        request->family = JOB_A1111;
        request->metadata = e.upscaler[0] != NULL;
        right = batch ? add_batch(&e, ltd_json_get(document, pictures), request)
                      : add_picture(&e, ltd_json_get(document, pictures), pictures, request);
    }
    if (right)
        return request;
    job_request_unref(request);
    return NULL;
}

static bool is_network(const struct ltd_upscalers *upscalers, const char *name)
{
    return name && a1111_upscaler_info(upscalers, name).factor > 0;
}

bool a1111_extras_is_long(const struct job_request *request, const struct ltd_upscalers *upscalers)
{
    const struct ltd_upscale_params *first = &request->upscales[0].params;

    return is_network(upscalers, first->upscaler) || is_network(upscalers, first->upscaler_2);
}

static struct ltd_json *base64_json(const void *data, size_t size)
{
    char *base64 = base64_encode_new(data, size);
    struct ltd_json *json = base64 ? ltd_json_new_string(base64) : NULL;

    free(base64);
    return json;
}

static struct ltd_json *run_one(const struct job_request *request, int index,
                                const struct ltd_upscalers *upscalers)
{
    const struct job_upscale *upscale = &request->upscales[index];
    char *text = request->metadata ? ltd_upscale_text(&upscale->params, upscale->before) : NULL;
    struct ltd_image *image = NULL;
    struct ltd_bytes png = {0};
    struct ltd_json *json = NULL;

    if ((text || !request->metadata) &&
        ltd_session_upscale(NULL, upscalers, &upscale->params, NULL, &image, NULL, NULL) == LTD_OK &&
        ltd_picture_encode(image, &request->form, text, NULL, &png, NULL) == LTD_OK)
        json = base64_json(png.data, png.size);
    free(png.data);
    free(text);
    ltd_image_free(image);
    return json;
}

/* Takes the pictures, an array of base64, of which NULL is one that there is no memory for. */
static struct ltd_json *answer_of(struct ltd_json *const *images, int count, bool batch)
{
    struct ltd_json *json = ltd_json_new_object(), *list = batch ? ltd_json_new_array() : NULL;

    ltd_json_add(json, "html_info", ltd_json_new_string(""));
    for (int i = 0; batch && i < count; i++)
        ltd_json_append(list, images[i]);
    ltd_json_add(json, batch ? "images" : "image", batch ? list : images[0]);
    return json;
}

struct ltd_json *a1111_extras_run(const struct job_request *request, bool batch,
                                  const struct ltd_upscalers *upscalers)
{
    struct ltd_json **images = calloc((size_t)request->params.count, sizeof *images), *json = NULL;

    for (int i = 0; images && i < request->params.count; i++)
        images[i] = run_one(request, i, upscalers);
    if (images)
        json = answer_of(images, request->params.count, batch);
    free(images);
    return json;
}

struct ltd_json *a1111_extras_encode(const struct job_record *job, bool batch)
{
    const int count = job->result.image_count;
    struct ltd_json **images = calloc((size_t)count, sizeof *images), *json = NULL;

    for (int i = 0; images && i < count; i++)
        images[i] = base64_json(blob_data(job->result.images[i].file), blob_size(job->result.images[i].file));
    if (images)
        json = answer_of(images, count, batch);
    free(images);
    return json;
}

static void append_upscaler(struct ltd_json *list, const char *name, int factor)
{
    struct ltd_json *row = ltd_json_new_object();

    ltd_json_add(row, "name", ltd_json_new_string(name));
    ltd_json_add(row, "model_name", ltd_json_new_null());
    ltd_json_add(row, "model_path", ltd_json_new_null());
    ltd_json_add(row, "model_url", ltd_json_new_null());
    ltd_json_add(row, "scale", ltd_json_new_number(factor));
    ltd_json_append(list, row);
}

struct ltd_json *a1111_upscalers_encode(const struct ltd_upscalers *upscalers)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < sizeof without_network / sizeof without_network[0]; i++)
        append_upscaler(list, without_network[i], 4);
    for (size_t i = 0; i < ltd_upscalers_count(upscalers); i++) {
        const struct ltd_upscaler_info info = ltd_upscalers_at(upscalers, i);

        if (info.factor > 0)
            append_upscaler(list, info.name, info.factor);
    }
    return list;
}
