#include "api/request_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/base64.h"

enum ltd_status request_image_bytes(const char *text, uint8_t **out, size_t *size, struct ltd_error *err)
{
    const char *base64 = base64_skip_data_url(text);
    uint8_t *bytes;
    size_t length;

    if (!base64)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "of the data URLs only data:image/png;base64, and the same of jpeg and webp are taken");
    if (strncmp(text, "http:", 5) == 0 || strncmp(text, "https:", 6) == 0)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "this server fetches nothing; send the picture itself as base64");
    length = strlen(base64);
    bytes = malloc(base64_decoded_bound(length) + 1);
    if (!bytes)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the picture");
    if (!base64_decode(base64, length, bytes, size)) {
        free(bytes);
        return ltd_fail(
            err, LTD_EINVAL,
            "is not base64 (RFC 4648 section 4: padded, no spaces or line breaks, + and / rather than "
            "- and _)");
    }
    *out = bytes;
    return LTD_OK;
}

enum ltd_status request_mask_decode(const char *text, size_t max_pixels, enum ltd_mask_source source,
                                    struct ltd_image **out, struct ltd_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum ltd_status st = request_image_bytes(text, &bytes, &size, err);

    if (st == LTD_OK)
        st = ltd_mask_decode(bytes, size, max_pixels, source, out, err);
    free(bytes);
    return st;
}

enum ltd_status request_image_decode(const char *text, size_t max_pixels, struct ltd_image **out,
                                     struct ltd_error *err)
{
    return request_mask_decode(text, max_pixels, LTD_MASK_WHITE, out, err);
}

static int rounded_down(int side, int factor)
{
    return side < factor ? factor : side / factor * factor;
}

void request_image_size(const struct ltd_image *image, int factor, bool width_is_asked, bool height_is_asked,
                        struct ltd_gen_params *params)
{
    if (!width_is_asked)
        params->width = rounded_down(image->width, factor);
    if (!height_is_asked)
        params->height = rounded_down(image->height, factor);
}

enum ltd_status request_image_fit(struct ltd_image **image, int width, int height,
                                  char told[REQUEST_IMAGE_TOLD_SIZE], struct ltd_error *err)
{
    struct ltd_image *fitted = NULL;

    told[0] = '\0';
    if ((*image)->width != width || (*image)->height != height) {
        const enum ltd_status st = ltd_image_resize(*image, width, height, &fitted, err);

        if (st != LTD_OK)
            return st;
        snprintf(told, REQUEST_IMAGE_TOLD_SIZE, "the picture of %d x %d was resized to %d x %d",
                 (*image)->width, (*image)->height, width, height);
        ltd_image_free(*image);
        *image = fitted;
    }
    return LTD_OK;
}
