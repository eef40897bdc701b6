/* fuzz_png.c - any bytes as a picture: what decodes must survive being encoded, and equal itself again. */
#include <latentd/image.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_PIXELS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ltd_image *image = NULL, *again = NULL;
    struct ltd_bytes bytes = {0};
    struct ltd_error err = {0};
    size_t samples;

    if (ltd_png_decode(data, size, MAX_PIXELS, &image, &err) != LTD_OK) {
        PROMISE(!image && err.status != LTD_OK && err.message[0] != '\0');
        return 0;
    }
    samples = (size_t)image->width * (size_t)image->height * 3;
    PROMISE(samples > 0 && samples <= (size_t)MAX_PIXELS * 3);
    PROMISE(ltd_png_encode(image, NULL, 0, &bytes, &err) == LTD_OK);
    PROMISE(ltd_png_decode(bytes.data, bytes.size, MAX_PIXELS, &again, &err) == LTD_OK);
    PROMISE(again->width == image->width && again->height == image->height);
    PROMISE(memcmp(again->pixels, image->pixels, samples) == 0);
    free(bytes.data);
    ltd_image_free(image);
    ltd_image_free(again);
    return 0;
}
