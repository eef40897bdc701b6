/* picture.c - the file formats that pictures are written in, and that settings are read from. */
#include <latentd/image.h>

#include "image/image_format.h"
#include "image/image_write.h"

#include <stdlib.h>
#include <string.h>

static const char keyword[] = "parameters", record_keyword[] = "latentd";

enum { PNG_SIZE_END = 24 }; /* signature, and the first chunk as far as width and height */

static const struct {
    const char *name, *media, *ending;
} formats[LTD_PICTURE_FORMAT_COUNT] = {
    [LTD_PICTURE_PNG] = {"png", "image/png", "png"},
    [LTD_PICTURE_JPEG] = {"jpeg", "image/jpeg", "jpg"},
    [LTD_PICTURE_WEBP] = {"webp", "image/webp", "webp"},
};

const char *ltd_picture_format_name(enum ltd_picture_format format)
{
    return formats[format].name;
}

const char *ltd_picture_format_media(enum ltd_picture_format format)
{
    return formats[format].media;
}

const char *ltd_picture_format_ending(enum ltd_picture_format format)
{
    return formats[format].ending;
}

int ltd_picture_format_find(const char *name)
{
    for (int i = 0; i < LTD_PICTURE_FORMAT_COUNT; i++)
        if (strcmp(formats[i].name, name) == 0 || strcmp(formats[i].ending, name) == 0)
            return i;
    return -1;
}

enum ltd_status ltd_picture_check(enum ltd_picture_format format, int width, int height,
                                  const char *parameters, struct ltd_error *err)
{
    if (format == LTD_PICTURE_JPEG)
        return jpeg_check(width, height, parameters, err);
    return format == LTD_PICTURE_WEBP ? webp_check(width, height, err) : LTD_OK;
}

enum ltd_status ltd_picture_encode(const struct ltd_image *image, const struct ltd_picture_form *form,
                                   const char *parameters, const char *record, struct ltd_bytes *out,
                                   struct ltd_error *err)
{
    const struct ltd_png_text chunks[] = {{keyword, parameters}, {record_keyword, record}};
    const size_t first = parameters ? 0 : 1, end = record ? 2 : 1;
    const enum ltd_status st = ltd_picture_check(form->format, image->width, image->height, parameters, err);

    if (st != LTD_OK)
        return st;
    if (form->format == LTD_PICTURE_JPEG)
        return jpeg_encode(image, form->quality, parameters, out, err);
    if (form->format == LTD_PICTURE_WEBP)
        return webp_encode(image, form, parameters, out, err);
    return ltd_png_encode(image, chunks + first, end - first, out, err);
}

/* Takes comment over. */
static enum ltd_status wrap_comment(char *comment, struct ltd_png_texts *out, struct ltd_error *err)
{
    struct ltd_png_texts texts = {calloc(1, sizeof *texts.items), 0};
    char *name = strdup(keyword);

    if (!texts.items || !name) {
        free(texts.items);
        free(name);
        free(comment);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the texts of a picture");
    }
    if (comment) {
        texts.items[0] = (struct ltd_png_text){name, comment};
        texts.count = 1;
    } else {
        free(name);
    }
    *out = texts;
    return LTD_OK;
}

/* The side at `offset` of the header of a PNG; 0: none that can be. */
static int png_side(const uint8_t *data, size_t offset)
{
    const uint32_t side = (uint32_t)data[offset] << 24 | (uint32_t)data[offset + 1] << 16 |
                          (uint32_t)data[offset + 2] << 8 | data[offset + 3];

    return side <= INT32_MAX ? (int)side : 0;
}

/* The texts of a PNG, and the size that its first chunk tells. */
static enum ltd_status png_texts(const void *data, size_t size, int *width, int *height,
                                 struct ltd_png_texts *out, struct ltd_error *err)
{
    const enum ltd_status st = ltd_png_texts_read(data, size, out, err);
    const uint8_t *bytes = data;

    if (st != LTD_OK)
        return st;
    if (size >= PNG_SIZE_END && memcmp(bytes + 12, "IHDR", 4) == 0) {
        *width = png_side(bytes, 16);
        *height = png_side(bytes, 20);
        if (*width > 0 && *height > 0)
            return LTD_OK;
    }
    ltd_png_texts_fini(out);
    return ltd_fail(err, LTD_EFORMAT, "the PNG file is damaged: it does not begin with its size");
}

enum ltd_status ltd_picture_texts_read(const void *data, size_t size, int *width, int *height,
                                       struct ltd_png_texts *out, struct ltd_error *err)
{
    const char *other = image_format_other(data, size);
    char *comment = NULL;
    enum ltd_status st;

    if (other && strcmp(other, "JPEG") == 0) {
        st = jpeg_texts(data, size, width, height, &comment, err);
    } else if (other && strcmp(other, "WebP") == 0) {
        st = webp_texts(data, size, width, height, &comment, err);
    } else if (other) {
        return ltd_fail(err, LTD_EUNSUPPORTED, "this is a %s file; settings are read from PNG, JPEG and WebP",
                        other);
    } else {
        return png_texts(data, size, width, height, out, err);
    }
    return st == LTD_OK ? wrap_comment(comment, out, err) : st;
}
