#include "image/masked_area.h"

#include <string.h>

#include "image/image_resize.h"

static const uint8_t *pixel_at(const struct ltd_image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

/* What is not black, as x and y of its first pixel and of the one past its last; false: all is. */
static bool bounds(const struct ltd_image *mask, int first[2], int end[2])
{
    first[0] = mask->width;
    first[1] = mask->height;
    end[0] = end[1] = 0;
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++) {
            const int at[2] = {x, y};

            for (int i = 0; i < 2 && *pixel_at(mask, x, y) > 0; i++) {
                first[i] = at[i] < first[i] ? at[i] : first[i];
                end[i] = at[i] >= end[i] ? at[i] + 1 : end[i];
            }
        }
    return end[0] > 0;
}

/* Grows a span to a length, half at each end, and moves it back into 0..limit as far as it goes. */
static void widen(int *first, int *end, double length, int limit)
{
    const int more = (int)(length - (*end - *first));

    *first -= more / 2;
    *end += more - more / 2;
    if (*end >= limit) {
        *first -= *end - limit;
        *end = limit;
    }
    if (*first < 0) {
        *end -= *first;
        *first = 0;
    }
    if (*end >= limit)
        *end = limit;
}

struct image_area masked_area_find(const struct ltd_image *mask, int padding, int width, int height)
{
    const int limits[2] = {mask->width, mask->height};
    const double ratio = (double)width / height;
    int first[2], end[2];

    if (!bounds(mask, first, end))
        return (struct image_area){0, 0, mask->width, mask->height};
    for (int i = 0; i < 2; i++) {
        first[i] = first[i] > padding ? first[i] - padding : 0;
        end[i] = end[i] < limits[i] - padding ? end[i] + padding : limits[i];
    }
    if ((double)(end[0] - first[0]) / (end[1] - first[1]) > ratio)
        widen(&first[1], &end[1], (end[0] - first[0]) / ratio, limits[1]);
    else
        widen(&first[0], &end[0], (end[1] - first[1]) * ratio, limits[0]);
    return (struct image_area){first[0], first[1], end[0] - first[0], end[1] - first[1]};
}

/* Lays `from` on `to`, its corner at x, y; what goes beyond is left out. */
static void lay_on(struct ltd_image *to, const struct ltd_image *from, int left, int top)
{
    for (int y = 0; y < from->height; y++)
        for (int x = 0; x < from->width; x++) {
            const int tx = left + x, ty = top + y;

            if (tx >= 0 && ty >= 0 && tx < to->width && ty < to->height)
                memcpy(to->pixels + ((size_t)ty * (size_t)to->width + (size_t)tx) * 3, pixel_at(from, x, y),
                       3);
        }
}

static enum ltd_status cut(const struct ltd_image *image, struct image_area area, struct ltd_image **out,
                           struct ltd_error *err)
{
    const enum ltd_status st = ltd_image_new(area.width, area.height, out, err);

    if (st == LTD_OK)
        lay_on(*out, image, -area.x, -area.y);
    return st;
}

/* Resized to fit into, or to cover, width x height, in its own shape. */
static enum ltd_status resize_in_shape(const struct ltd_image *image, int width, int height, bool covers,
                                       struct ltd_image **out, struct ltd_error *err)
{
    const double ratio = (double)width / height, own = (double)image->width / image->height;
    const bool by_width = covers ? ratio > own : ratio < own;
    const bool by_height = covers ? ratio <= own : ratio >= own;
    const int64_t scaled_width = (int64_t)image->width * height / image->height;
    const int64_t scaled_height = (int64_t)image->height * width / image->width;

    return image_resize(image,
                        by_width           ? width
                        : scaled_width > 0 ? (int)scaled_width
                                           : 1,
                        by_height           ? height
                        : scaled_height > 0 ? (int)scaled_height
                                            : 1,
                        RESAMPLE_LANCZOS, out, err);
}

/* What PIL makes of an edge that it is asked to stretch from nothing: its cubic kernel there, of the two
 * samples nearest to it. */
static uint8_t beyond(uint8_t edge, uint8_t inner)
{
    const int sum = 9 * edge - inner + 4;

    return (uint8_t)(sum < 0 ? 0 : sum / 8 > 255 ? 255 : sum / 8);
}

/* Fills the pixels of to that lie within `gap` of two opposite sides, from the two rows or columns of from
 * that are nearest. */
static void fill_sides(struct ltd_image *to, const struct ltd_image *from, int gap, bool rows)
{
    const int last = (rows ? from->height : from->width) - 1, inner = last > 0 ? 1 : 0;
    const int after = gap + last + 1, length = rows ? to->height : to->width;

    for (int y = 0; y < to->height && gap > 0; y++)
        for (int x = 0; x < to->width; x++) {
            const int at = rows ? y : x;
            const bool far = at >= after && at < after + gap && at < length;
            const int edge = far ? last : 0, next = far ? last - inner : inner;
            const uint8_t *a = rows ? pixel_at(from, x, edge) : pixel_at(from, edge, y);
            const uint8_t *b = rows ? pixel_at(from, x, next) : pixel_at(from, next, y);
            uint8_t *out = to->pixels + ((size_t)y * (size_t)to->width + (size_t)x) * 3;

            for (int c = 0; c < 3 && (far || at < gap); c++)
                out[c] = beyond(a[c], b[c]);
        }
}

enum ltd_status masked_area_cut(const struct ltd_image *image, struct image_area area, int width, int height,
                                struct ltd_image **out, struct ltd_error *err)
{
    struct ltd_image *part = NULL, *fitted = NULL, *made = NULL;
    enum ltd_status st = cut(image, area, &part, err);

    if (st == LTD_OK)
        st = resize_in_shape(part, width, height, false, &fitted, err);
    if (st == LTD_OK)
        st = ltd_image_new(width, height, &made, err);
    if (st == LTD_OK) {
        const int left = width / 2 - fitted->width / 2, top = height / 2 - fitted->height / 2;

        lay_on(made, fitted, left, top);
        fill_sides(made, fitted, fitted->width == width ? top : left, fitted->width == width);
        *out = made;
    }
    ltd_image_free(part);
    ltd_image_free(fitted);
    return st;
}

enum ltd_status masked_area_put(struct ltd_image *base, struct image_area area,
                                const struct ltd_image *picture, struct ltd_error *err)
{
    struct ltd_image *covering = NULL, *part = NULL;
    enum ltd_status st = resize_in_shape(picture, area.width, area.height, true, &covering, err);

    if (st == LTD_OK)
        st = ltd_image_new(area.width, area.height, &part, err);
    if (st == LTD_OK) {
        lay_on(part, covering, area.width / 2 - covering->width / 2, area.height / 2 - covering->height / 2);
        lay_on(base, part, area.x, area.y);
    }
    ltd_image_free(covering);
    ltd_image_free(part);
    return st;
}
