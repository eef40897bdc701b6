#include "image/image_read.h"

#include <stdlib.h>
#include <string.h>

#include "image/image_format.h"

enum ltd_status image_check_size(uint64_t width, uint64_t height, size_t max_pixels, struct ltd_error *err)
{
    if (width > 65535 || height > 65535 || width * height > max_pixels)
        return ltd_fail(err, LTD_ETOOBIG, "the picture has %llu x %llu pixels; at most %zu are taken",
                        (unsigned long long)width, (unsigned long long)height, max_pixels);
    return LTD_OK;
}

void image_flatten(uint8_t *rgba, size_t pixels)
{
    uint8_t *rgb = rgba;

    for (size_t i = 0; i < pixels; i++, rgba += 4, rgb += 3) {
        const unsigned alpha = rgba[3];

        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static void take_transparency(uint8_t *rgba, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        memset(rgba + 3 * i, 255 - rgba[4 * i + 3], 3);
}

static void take_opacity(uint8_t *rgba, size_t pixels)
{
    size_t opaque = 0;

    while (opaque < pixels && rgba[4 * opaque + 3] == 255)
        opaque++;
    if (opaque == pixels)
        image_flatten(rgba, pixels);
    else
        for (size_t i = 0; i < pixels; i++)
            memset(rgba + 3 * i, rgba[4 * i + 3] > 128 ? 255 : 0, 3);
}

static const struct {
    const char *name;
    image_flatten_fn *flatten;
} mask_sources[LTD_MASK_SOURCE_COUNT] = {[LTD_MASK_WHITE] = {"white", image_flatten},
                                         [LTD_MASK_TRANSPARENT] = {"transparent", take_transparency},
                                         [LTD_MASK_OPAQUE] = {"opaque", take_opacity}};

const char *ltd_mask_source_name(enum ltd_mask_source source)
{
    return mask_sources[source].name;
}

struct ltd_image *image_take_rgba(uint8_t *rgba, int width, int height, image_flatten_fn *flatten)
{
    const size_t pixels = (size_t)width * (size_t)height;
    struct ltd_image *image = calloc(1, sizeof *image);
    uint8_t *smaller;

    if (!image)
        return NULL;
    flatten(rgba, pixels);
    smaller = realloc(rgba, pixels * 3);
    *image = (struct ltd_image){.width = width, .height = height, .pixels = smaller ? smaller : rgba};
    return image;
}

/* JPEGs have no alpha, and are not flattened. */
static enum ltd_status decode(const void *data, size_t size, size_t max_pixels, image_flatten_fn *flatten,
                              struct ltd_image **out, struct ltd_error *err)
{
    const char *format = image_format_other(data, size);

    if (format && strcmp(format, "JPEG") == 0)
        return jpeg_decode(data, size, max_pixels, out, err);
    if (format && strcmp(format, "WebP") == 0)
        return webp_decode(data, size, max_pixels, flatten, out, err);
    if (format)
        return ltd_fail(err, LTD_EUNSUPPORTED, "this is a %s file; PNG, JPEG and WebP pictures are read",
                        format);
    return png_decode(data, size, max_pixels, flatten, out, err);
}

enum ltd_status ltd_image_decode(const void *data, size_t size, size_t max_pixels, struct ltd_image **out,
                                 struct ltd_error *err)
{
    return decode(data, size, max_pixels, image_flatten, out, err);
}

enum ltd_status ltd_mask_decode(const void *data, size_t size, size_t max_pixels, enum ltd_mask_source source,
                                struct ltd_image **out, struct ltd_error *err)
{
    const char *format = image_format_other(data, size);

    if (source == LTD_MASK_TRANSPARENT && format && strcmp(format, "JPEG") == 0)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "a JPEG has no transparent pixels, which are what is drawn anew; send a PNG or WebP");
    return decode(data, size, max_pixels, mask_sources[source].flatten, out, err);
}
