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

struct ltd_image *image_take_rgba(uint8_t *rgba, int width, int height)
{
    const size_t pixels = (size_t)width * (size_t)height;
    struct ltd_image *image = calloc(1, sizeof *image);
    uint8_t *smaller;

    if (!image)
        return NULL;
    image_flatten(rgba, pixels);
    smaller = realloc(rgba, pixels * 3);
    *image = (struct ltd_image){.width = width, .height = height, .pixels = smaller ? smaller : rgba};
    return image;
}

enum ltd_status ltd_image_decode(const void *data, size_t size, size_t max_pixels, struct ltd_image **out,
                                 struct ltd_error *err)
{
    const char *format = image_format_other(data, size);

    if (format && strcmp(format, "JPEG") == 0)
        return jpeg_decode(data, size, max_pixels, out, err);
    if (format && strcmp(format, "WebP") == 0)
        return webp_decode(data, size, max_pixels, out, err);
    if (format)
        return ltd_fail(err, LTD_EUNSUPPORTED, "this is a %s file; PNG, JPEG and WebP pictures are read",
                        format);
    return ltd_png_decode(data, size, max_pixels, out, err);
}
