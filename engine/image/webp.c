/*
 * webp.c - an untrusted WebP file to pixels, and pixels to a WebP file, by libwebp.
 *
 * The container (RIFF: a name, a length and that many bytes a chunk, padded to an even number) is written and
 * walked by hand: libwebpmux would be one library more for it.
 */
#include "image/exif.h"
#include "image/image_read.h"
#include "image/image_write.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include "base/size_math.h"

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, EXTENDED_SIZE = 10, HAS_EXIF = 0x08, EXIF_NAME = 6 };

enum ltd_status webp_decode(const void *data, size_t size, size_t max_pixels, image_flatten_fn *flatten,
                            struct ltd_image **out, struct ltd_error *err)
{
    WebPBitstreamFeatures features;
    struct ltd_image *image = NULL;
    size_t row, bytes;
    uint8_t *rgba;
    enum ltd_status st;

    if (WebPGetFeatures(data, size, &features) != VP8_STATUS_OK)
        return ltd_fail(err, LTD_EFORMAT, "the WebP file is damaged");
    if (features.has_animation)
        return ltd_fail(err, LTD_EUNSUPPORTED, "this WebP file is an animation; send one picture of it");
    st = image_check_size((uint64_t)features.width, (uint64_t)features.height, max_pixels, err);
    if (st != LTD_OK)
        return st;
    rgba = size_mul((size_t)features.width, 4, &row) && size_mul(row, (size_t)features.height, &bytes)
               ? malloc(bytes)
               : NULL;
    if (!rgba)
        return ltd_fail(err, LTD_ENOMEM, "no memory to read a WebP file");
    if (!WebPDecodeRGBAInto(data, size, rgba, bytes, (int)row)) {
        free(rgba);
        return ltd_fail(err, LTD_EFORMAT, "the WebP file is damaged");
    }
    image = image_take_rgba(rgba, features.width, features.height, flatten);
    if (!image) {
        free(rgba);
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture");
    }
    *out = image;
    return LTD_OK;
}

/* The Exif chunk; some programs leave the name in it that a JPEG has before the block. */
static const uint8_t *find_exif(const uint8_t *data, size_t size, size_t *exif_bytes)
{
    size_t at = RIFF_HEAD;

    while (size > at && size - at >= CHUNK_HEAD) {
        const uint8_t *chunk = data + at;
        const size_t length =
            (size_t)chunk[4] | (size_t)chunk[5] << 8 | (size_t)chunk[6] << 16 | (size_t)chunk[7] << 24;

        if (length > size - at - CHUNK_HEAD)
            return NULL;
        if (memcmp(chunk, "EXIF", 4) == 0) {
            const bool named = length >= EXIF_NAME && memcmp(chunk + CHUNK_HEAD, "Exif\0", EXIF_NAME) == 0;

            *exif_bytes = named ? length - EXIF_NAME : length;
            return chunk + CHUNK_HEAD + (named ? EXIF_NAME : 0);
        }
        at += CHUNK_HEAD + length + length % 2;
    }
    return NULL;
}

enum ltd_status webp_texts(const void *data, size_t size, int *width, int *height, char **comment,
                           struct ltd_error *err)
{
    WebPBitstreamFeatures features;
    size_t exif_bytes;
    const uint8_t *exif;

    *comment = NULL;
    if (WebPGetFeatures(data, size, &features) != VP8_STATUS_OK)
        return ltd_fail(err, LTD_EFORMAT, "the WebP file is damaged");
    *width = features.width;
    *height = features.height;
    exif = find_exif(data, size, &exif_bytes);
    return exif ? exif_comment(exif, exif_bytes, comment, err) : LTD_OK;
}

enum ltd_status webp_check(int width, int height, struct ltd_error *err)
{
    if (width > WEBP_MAX_DIMENSION || height > WEBP_MAX_DIMENSION)
        return ltd_fail(err, LTD_ETOOBIG, "the sides of a WebP are at most %d; ask for png or jpeg",
                        WEBP_MAX_DIMENSION);
    return LTD_OK;
}

static uint8_t *put_little(uint8_t *at, size_t number, int bytes)
{
    for (int i = 0; i < bytes; i++, number >>= 8)
        *at++ = (uint8_t)number;
    return at;
}

static uint8_t *put_chunk_head(uint8_t *at, const char *name, size_t length)
{
    memcpy(at, name, 4);
    return put_little(at + 4, length, 4);
}

/* The file that the encoder wrote, RIFF header and one chunk, with an extended header and an Exif chunk. */
static enum ltd_status add_exif(const struct ltd_image *image, const uint8_t *file, size_t size,
                                const char *comment, struct ltd_bytes *out, struct ltd_error *err)
{
    const size_t exif = comment ? exif_size(comment) : 0;
    const size_t added = comment ? CHUNK_HEAD + EXTENDED_SIZE + CHUNK_HEAD + exif : 0;
    uint8_t *data = malloc(size + added), *at;

    if (!data)
        return ltd_fail(err, LTD_ENOMEM, "no memory to write a WebP file");
    memcpy(data, file, RIFF_HEAD);
    put_little(data + 4, size + added - CHUNK_HEAD, 4);
    at = data + RIFF_HEAD;
    if (comment) {
        at = put_chunk_head(at, "VP8X", EXTENDED_SIZE);
        at = put_little(at, HAS_EXIF, 4);
        at = put_little(at, (size_t)image->width - 1, 3);
        at = put_little(at, (size_t)image->height - 1, 3);
    }
    memcpy(at, file + RIFF_HEAD, size - RIFF_HEAD);
    at += size - RIFF_HEAD;
    if (comment)
        exif_write(comment, put_chunk_head(at, "EXIF", exif)); /* of even length */
    *out = (struct ltd_bytes){data, size + added};
    return LTD_OK;
}

enum ltd_status webp_encode(const struct ltd_image *image, const struct ltd_picture_form *form,
                            const char *comment, struct ltd_bytes *out, struct ltd_error *err)
{
    const int row = image->width * 3;
    uint8_t *file = NULL;
    const size_t size =
        form->lossless
            ? WebPEncodeLosslessRGB(image->pixels, image->width, image->height, row, &file)
            : WebPEncodeRGB(image->pixels, image->width, image->height, row, (float)form->quality, &file);
    const enum ltd_status st = size > 0 ? add_exif(image, file, size, comment, out, err)
                                        : ltd_fail(err, LTD_ENOMEM, "no memory to write a WebP file");

    WebPFree(file);
    return st;
}
