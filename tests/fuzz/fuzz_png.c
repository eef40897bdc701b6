/* fuzz_png.c - any bytes as a picture: what decodes must survive being encoded, and equal itself again. Their
 * texts are read too. */
#include <latentd/image.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_PIXELS = 1 << 16 };

static void read_texts(const uint8_t *data, size_t size)
{
    struct ltd_png_texts texts = {0};
    struct ltd_error err = {0};
    size_t bytes = 0;

    if (ltd_png_texts_read(data, size, &texts, &err) != LTD_OK) {
        PROMISE(!texts.items && err.status != LTD_OK && err.message[0] != '\0');
        return;
    }
    PROMISE(texts.count <= 64);
    for (size_t i = 0; i < texts.count; i++)
        bytes += strlen(texts.items[i].keyword) + strlen(texts.items[i].text);
    PROMISE(bytes <= 1024 * 1024);
    ltd_png_texts_fini(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ltd_image *image = NULL, *again = NULL;
    struct ltd_bytes bytes = {0};
    struct ltd_error err = {0};
    size_t samples;

    read_texts(data, size);
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
