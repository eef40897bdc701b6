/*
 * webp.c - an untrusted WebP file to pixels, by libwebp.
 */
#include "image/image_read.h"

#include <stdlib.h>
#include <webp/decode.h>

#include "base/size_math.h"

enum ltd_status webp_decode(const void *data, size_t size, size_t max_pixels, struct ltd_image **out,
                            struct ltd_error *err)
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
    image = image_take_rgba(rgba, features.width, features.height);
    if (!image) {
        free(rgba);
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture");
    }
    *out = image;
    return LTD_OK;
}
