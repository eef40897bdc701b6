#include "image/image_place.h"

#include <string.h>

static const uint8_t *pixel_at(const struct ltd_image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

/* The value that so many counted ones are not above. */
static unsigned quantile(const size_t counts[256], size_t rank)
{
    unsigned value = 0;

    for (size_t below = counts[0]; below <= rank; below += counts[value])
        value++;
    return value;
}

/* Of all four sides, corners twice; between two values in the middle it is their mean, rounded down. */
static uint8_t edge_median(const struct ltd_image *image, int channel)
{
    const int right = image->width - 1, bottom = image->height - 1;
    const size_t count = 2 * ((size_t)image->width + (size_t)image->height);
    size_t counts[256] = {0};

    for (int x = 0; x <= right; x++) {
        counts[pixel_at(image, x, 0)[channel]]++;
        counts[pixel_at(image, x, bottom)[channel]]++;
    }
    for (int y = 0; y <= bottom; y++) {
        counts[pixel_at(image, 0, y)[channel]]++;
        counts[pixel_at(image, right, y)[channel]]++;
    }
    return (uint8_t)((quantile(counts, count / 2 - 1) + quantile(counts, count / 2)) / 2);
}

/* Where a span of one length begins in the middle of another, which it may be longer than. */
struct overlap {
    int from, to, length;
};

static struct overlap overlap_of(int length, int room)
{
    const bool longer = length > room;

    return (struct overlap){longer ? (length - room) / 2 : 0, longer ? 0 : (room - length) / 2,
                            longer ? room : length};
}

enum ltd_status image_place(const struct ltd_image *image, int width, int height, struct ltd_image **out,
                            struct ltd_error *err)
{
    const struct overlap across = overlap_of(image->width, width), down = overlap_of(image->height, height);
    const uint8_t edge[] = {edge_median(image, 0), edge_median(image, 1), edge_median(image, 2)};
    struct ltd_image *placed = NULL;
    const enum ltd_status st = ltd_image_new(width, height, &placed, err);

    if (st != LTD_OK)
        return st;
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
        memcpy(placed->pixels + 3 * i, edge, sizeof edge);
    for (int y = 0; y < down.length; y++)
        memcpy(placed->pixels + ((size_t)(down.to + y) * (size_t)width + (size_t)across.to) * 3,
               pixel_at(image, across.from, down.from + y), (size_t)across.length * 3);
    *out = placed;
    return LTD_OK;
}
