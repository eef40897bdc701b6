/* fuzz_image.c - any bytes as a picture of any format that is read. */
#include <latentd/image.h>

#include "fuzz.h"

enum { MAX_PIXELS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ltd_image *image = NULL;
    struct ltd_error err = {0};

    if (ltd_image_decode(data, size, MAX_PIXELS, &image, &err) != LTD_OK) {
        PROMISE(!image && err.status != LTD_OK && err.message[0] != '\0');
        return 0;
    }
    PROMISE(image->width > 0 && image->height > 0);
    PROMISE((size_t)image->width * (size_t)image->height <= MAX_PIXELS);
    ltd_image_free(image);
    return 0;
}
