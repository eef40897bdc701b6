#include <latentd/image.h>

#include "base/size_math.h"

#include <stdlib.h>

enum ltd_status ltd_image_new(int width, int height, struct ltd_image **out, struct ltd_error *err)
{
    struct ltd_image *image;
    size_t size;

    if (width < 1 || height < 1 || width > 65535 || height > 65535)
        return ltd_fail(err, LTD_EINVAL, "a picture of %d x %d pixels: each side must be 1 to 65535", width,
                        height);
    if (!size_mul((size_t)width * 3, (size_t)height, &size))
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture of %d x %d pixels", width, height);
    image = calloc(1, sizeof *image);
    if (!image)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture");
    image->width = width;
    image->height = height;
    image->pixels = calloc(size, 1);
    if (!image->pixels) {
        ltd_image_free(image);
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture of %d x %d pixels", width, height);
    }
    *out = image;
    return LTD_OK;
}

void ltd_image_free(struct ltd_image *image)
{
    if (!image)
        return;
    free(image->pixels);
    free(image);
}
