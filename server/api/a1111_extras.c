#include "api/a1111_extras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <latentd/image.h>

#include "api/a1111_fields.h"
#include "api/fields.h"
#include "api/request_image.h"
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

enum upscaler { UPSCALER_NONE, UPSCALER_LANCZOS, UPSCALER_NEAREST, UPSCALERS };

static const char *const upscaler_names[UPSCALERS] = {"None", "Lanczos", "Nearest"};

struct extras {
    const struct a1111_extras_limits *limits;
    struct a1111_value values[EXTRA_COUNT];
    enum upscaler upscaler;
    struct a1111_refusal *refusal;
};

static double number_of(const struct extras *e, enum extra id, double standard)
{
    return e->values[id].present ? e->values[id].number : standard;
}

static void read_upscaler(struct extras *e)
{
    const char *text = e->values[EXTRA_UPSCALER_1].text;
    char shown[FIELD_SHOWN_SIZE];

    e->upscaler = UPSCALER_NONE;
    if (!text || !*text)
        return;
    while (e->upscaler < UPSCALERS && strcasecmp(upscaler_names[e->upscaler], text) != 0)
        e->upscaler++;
    if (e->upscaler == UPSCALERS)
        a1111_refuse_value(e->refusal, rows[EXTRA_UPSCALER_1].name, "value_error",
                           "\"%s\" is not built; GET /sdapi/v1/upscalers lists what is",
                           field_shown(shown, text));
}

static void check_numbers(struct extras *e)
{
    const double mode = number_of(e, EXTRA_RESIZE_MODE, 0), factor = number_of(e, EXTRA_FACTOR, 2);
    static const enum extra sides[] = {EXTRA_WIDTH, EXTRA_HEIGHT};

    if (mode != 0 && mode != 1)
        a1111_refuse_value(e->refusal, rows[EXTRA_RESIZE_MODE].name, "value_error", "is %g; send 0 or 1",
                           mode);
    if (!(factor > 0))
        a1111_refuse_value(e->refusal, rows[EXTRA_FACTOR].name, "value_error", "is %g; send a number above 0",
                           factor);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        if (number_of(e, sides[i], 512) < 1)
            a1111_refuse_value(e->refusal, rows[sides[i]].name, "value_error", "is %g; send at least 1",
                               number_of(e, sides[i], 512));
}

static void read_fields(struct extras *e, const struct ltd_json *document, const char *pictures,
                        a1111_note_fn *note, void *arg)
{
    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        int i = 0;

        while (i < EXTRA_COUNT && strcmp(rows[i].name, ltd_json_key(member)) != 0)
            i++;
        if (i == EXTRA_COUNT && strcmp(ltd_json_key(member), pictures) != 0)
            note(arg, ltd_json_key(member), "is no field here, and was ignored");
        if (i < EXTRA_COUNT &&
            a1111_value_read(member, rows[i].type, rows[i].name, &e->values[i], e->refusal))
            a1111_value_check(&e->values[i], rows[i].type, rows[i].effect, rows[i].name, rows[i].why,
                              e->refusal);
    }
    read_upscaler(e);
    check_numbers(e);
}

static enum ltd_status resize_nearest(const struct ltd_image *image, int width, int height,
                                      struct ltd_image **out, struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_new(width, height, out, err);
    uint8_t *pixel = st == LTD_OK ? (*out)->pixels : NULL;

    for (int y = 0; pixel && y < height; y++)
        for (int x = 0; x < width; x++, pixel += 3) {
            const size_t row = (size_t)((int64_t)y * image->height / height);
            const size_t column = (size_t)((int64_t)x * image->width / width);

            memcpy(pixel, image->pixels + (row * (size_t)image->width + column) * 3, 3);
        }
    return st;
}

/* The middle of image, which is at least as large. */
static enum ltd_status crop(const struct ltd_image *image, int width, int height, struct ltd_image **out,
                            struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_new(width, height, out, err);
    const size_t left = (size_t)(image->width - width) / 2, top = (size_t)(image->height - height) / 2;

    for (size_t y = 0; st == LTD_OK && y < (size_t)height; y++)
        memcpy((*out)->pixels + y * (size_t)width * 3,
               image->pixels + ((top + y) * (size_t)image->width + left) * 3, (size_t)width * 3);
    return st;
}

/* Makes *image one of the size that is asked for; of mode 1, first one that covers it. */
static enum ltd_status enlarge(const struct extras *e, struct ltd_image **image, struct ltd_error *err)
{
    const bool to_size = number_of(e, EXTRA_RESIZE_MODE, 0) == 1;
    const bool cut = to_size && (!e->values[EXTRA_CROP].present || e->values[EXTRA_CROP].truth);
    const double wanted_w = number_of(e, EXTRA_WIDTH, 512), wanted_h = number_of(e, EXTRA_HEIGHT, 512);
    double factor = number_of(e, EXTRA_FACTOR, 2), width, height;
    struct ltd_image *larger = NULL;
    enum ltd_status st;

    if (e->upscaler == UPSCALER_NONE)
        return LTD_OK;
    if (to_size)
        factor = fmax(wanted_w / (*image)->width, wanted_h / (*image)->height);
    width = to_size ? fmax(round((*image)->width * factor), wanted_w) : floor((*image)->width * factor);
    height = to_size ? fmax(round((*image)->height * factor), wanted_h) : floor((*image)->height * factor);
    if (width < 1 || height < 1)
        return ltd_fail(err, LTD_EINVAL, "nothing would be left of the picture");
    if (width > 65535 || height > 65535 || width * height > (double)e->limits->max_pixels)
        return ltd_fail(err, LTD_ETOOBIG, "%.0f x %.0f pixels are more than the %zu of this server", width,
                        height, e->limits->max_pixels);
    st = e->upscaler == UPSCALER_LANCZOS ? ltd_image_resize(*image, (int)width, (int)height, &larger, err)
                                         : resize_nearest(*image, (int)width, (int)height, &larger, err);
    if (st != LTD_OK)
        return st;
    ltd_image_free(*image);
    *image = larger;
    if (!cut || (width == wanted_w && height == wanted_h))
        return LTD_OK;
    st = crop(*image, (int)wanted_w, (int)wanted_h, &larger, err);
    if (st != LTD_OK)
        return st;
    ltd_image_free(*image);
    *image = larger;
    return LTD_OK;
}

/* One picture through all of it; NULL: refused, or without memory. */
static struct ltd_json *run_one(const struct extras *e, const struct ltd_json *picture, const char *place)
{
    const char *text = ltd_json_string(picture);
    struct ltd_image *image = NULL;
    struct ltd_bytes png = {0};
    struct ltd_json *json = NULL;
    struct ltd_error error;
    enum ltd_status st = LTD_EINVAL;

    if (!text) {
        a1111_refuse_value(e->refusal, place, picture ? "type_error.str" : "value_error.missing",
                           "send a PNG, JPEG or WebP as base64");
        return NULL;
    }
    st = request_image_decode(text, e->limits->max_pixels, &image, &error);
    if (st == LTD_OK)
        st = enlarge(e, &image, &error);
    if (st == LTD_OK)
        st = ltd_png_encode(image, NULL, 0, &png, &error);
    if (st == LTD_OK) {
        char *base64 = base64_encode_new(png.data, png.size);

        json = base64 ? ltd_json_new_string(base64) : NULL;
        free(base64);
    } else if (st != LTD_ENOMEM) {
        a1111_refuse_value(e->refusal, place, "value_error", "%s", error.message);
    }
    free(png.data);
    ltd_image_free(image);
    return json;
}

static struct ltd_json *run_batch(const struct extras *e, const struct ltd_json *list)
{
    struct ltd_json *images;
    bool done = true;

    if (ltd_json_type(list) != LTD_JSON_ARRAY || !ltd_json_first(list)) {
        a1111_refuse_value(e->refusal, "imageList", "type_error.list",
                           "send an array of objects with data, a PNG, JPEG or WebP as base64, and name");
        return NULL;
    }
    if (ltd_json_size(list) > e->limits->max_count) {
        a1111_refuse_value(e->refusal, "imageList", "value_error", "has %zu pictures; send at most %zu",
                           ltd_json_size(list), e->limits->max_count);
        return NULL;
    }
    images = ltd_json_new_array();
    for (const struct ltd_json *item = ltd_json_first(list); done && item; item = ltd_json_next(item)) {
        struct ltd_json *image = run_one(e, ltd_json_get(item, "data"), "imageList/data");

        done = image != NULL;
        ltd_json_append(images, image);
    }
    if (done)
        return images;
    ltd_json_free(images);
    return NULL;
}

static bool is_object(const struct ltd_json *document, struct a1111_refusal *refusal)
{
    if (ltd_json_type(document) == LTD_JSON_OBJECT)
        return true;
    a1111_refuse_value(refusal, "", "type_error.dict", "is %s; send an object",
                       ltd_json_type_name(ltd_json_type(document)));
    return false;
}

struct ltd_json *a1111_extras_run(const struct ltd_json *document, bool batch,
                                  const struct a1111_extras_limits *limits, a1111_note_fn *note, void *arg,
                                  struct a1111_refusal *refusal)
{
    const char *pictures = batch ? "imageList" : "image";
    struct extras e = {.limits = limits, .refusal = refusal};
    struct ltd_json *json, *made;

    if (!is_object(document, refusal))
        return NULL;
    read_fields(&e, document, pictures, note, arg);
    if (refusal->status != 0)
        return NULL;
    made = batch ? run_batch(&e, ltd_json_get(document, pictures))
                 : run_one(&e, ltd_json_get(document, pictures), pictures);
    if (!made)
        return NULL;
    json = ltd_json_new_object();
    ltd_json_add(json, "html_info", ltd_json_new_string(""));
    ltd_json_add(json, batch ? "images" : "image", made);
    return json;
}

struct ltd_json *a1111_upscalers_encode(void)
{
    struct ltd_json *list = ltd_json_new_array();

    for (int i = 0; i < UPSCALERS; i++) {
        struct ltd_json *row = ltd_json_new_object();

        ltd_json_add(row, "name", ltd_json_new_string(upscaler_names[i]));
        ltd_json_add(row, "model_name", ltd_json_new_null());
        ltd_json_add(row, "model_path", ltd_json_new_null());
        ltd_json_add(row, "model_url", ltd_json_new_null());
        ltd_json_add(row, "scale", ltd_json_new_number(4));
        ltd_json_append(list, row);
    }
    return list;
}
