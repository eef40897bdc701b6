#include "image/image_pixels.h"

#include <string.h>

enum ltd_status image_resize_nearest(const struct ltd_image *image, int width, int height,
                                     struct ltd_image **out, struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_new(width, height, out, err);
    uint8_t *pixel = st == LTD_OK ? (*out)->pixels : NULL;

    for (int y = 0; pixel && y < height; y++)
        for (int x = 0; x < width; x++, pixel += 3) {
            const size_t row = (size_t)((int64_t)y * image->height / height);
            const size_t column = (size_t)((int64_t)x * image->width / width);

            memcpy(pixel, image->pixels + (row * (size_t)image->width + column) * 3, 3);
        }
    return st;
}

enum ltd_status image_crop_middle(const struct ltd_image *image, int width, int height,
                                  struct ltd_image **out, struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_new(width, height, out, err);
    const size_t left = (size_t)(image->width - width) / 2, top = (size_t)(image->height - height) / 2;

    for (size_t y = 0; st == LTD_OK && y < (size_t)height; y++)
        memcpy((*out)->pixels + y * (size_t)width * 3,
               image->pixels + ((top + y) * (size_t)image->width + left) * 3, (size_t)width * 3);
    return st;
}

void image_blend(struct ltd_image *image, const struct ltd_image *other, double share)
{
    const size_t count = (size_t)image->width * (size_t)image->height * 3;

    for (size_t i = 0; i < count; i++) {
        const float from = image->pixels[i], to = other->pixels[i];

        image->pixels[i] = (uint8_t)(from + (float)share * (to - from));
    }
}
