#include "image/canny.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* What a pixel is. */
enum { EDGE_NOT, EDGE_MAYBE, EDGE_SURE };

struct canny {
    size_t width, height, stride; /* stride: of size, with a border of zeros all round */
    int *size;                    /* |dx| + |dy| */
    int16_t *dx, *dy;             /* [height, width] */
    uint8_t *kind;                /* [height, width] */
    size_t *stack;                /* [height * width]: sure ones whose neighbours are still to be looked at */
    size_t count;
};

/* A value of the picture, whose edge goes on beyond it. */
static int value_at(const struct ltd_image *image, ptrdiff_t x, ptrdiff_t y, size_t channel)
{
    const ptrdiff_t right = image->width - 1, bottom = image->height - 1;

    x = x < 0 ? 0 : x > right ? right : x;
    y = y < 0 ? 0 : y > bottom ? bottom : y;
    return image->pixels[((size_t)y * (size_t)image->width + (size_t)x) * 3 + channel];
}

static void measure_pixel(struct canny *c, const struct ltd_image *image, size_t x, size_t y)
{
    static const int weights[] = {1, 2, 1};
    const ptrdiff_t left = (ptrdiff_t)x - 1, top = (ptrdiff_t)y - 1;
    const size_t at = y * c->width + x;
    int *size = &c->size[(y + 1) * c->stride + x + 1];

    for (size_t channel = 0; channel < 3; channel++) {
        int dx = 0, dy = 0;

        for (ptrdiff_t i = 0; i < 3; i++) {
            dx += weights[i] *
                  (value_at(image, left + 2, top + i, channel) - value_at(image, left, top + i, channel));
            dy += weights[i] *
                  (value_at(image, left + i, top + 2, channel) - value_at(image, left + i, top, channel));
        }
        if (channel > 0 && abs(dx) + abs(dy) <= *size)
            continue;
        *size = abs(dx) + abs(dy);
        c->dx[at] = (int16_t)dx;
        c->dy[at] = (int16_t)dy;
    }
}

/* Is it the largest across the edge?  Of two that are equal beside each other, along an axis, the first is.
 */
static bool is_largest(const struct canny *c, size_t x, size_t y)
{
    /* tan 22.5 degrees in 15 bits; tan 67.5 is by 2 larger. */
    const int64_t tan22 = 13573, dx = c->dx[y * c->width + x], dy = c->dy[y * c->width + x];
    const int64_t wide = llabs(dx) * tan22, high = llabs(dy) << 15;
    const int *m = &c->size[(y + 1) * c->stride + x + 1];
    const ptrdiff_t row = (ptrdiff_t)c->stride, slant = (dx ^ dy) < 0 ? -1 : 1;

    if (high < wide)
        return m[0] > m[-1] && m[0] >= m[1];
    if (high > wide + (llabs(dx) << 16))
        return m[0] > m[-row] && m[0] >= m[row];
    return m[0] > m[-row - slant] && m[0] > m[row + slant];
}

static void be_sure(struct canny *c, size_t at)
{
    c->kind[at] = EDGE_SURE;
    c->stack[c->count++] = at;
}

static void sort_pixels(struct canny *c, int low, int high)
{
    for (size_t y = 0; y < c->height; y++)
        for (size_t x = 0; x < c->width; x++) {
            const int size = c->size[(y + 1) * c->stride + x + 1];
            const size_t at = y * c->width + x;

            c->kind[at] = EDGE_NOT;
            if (size <= low || !is_largest(c, x, y))
                continue;
            c->kind[at] = EDGE_MAYBE;
            if (size > high)
                be_sure(c, at);
        }
}

/* What hangs on a sure one is one. */
static void follow(struct canny *c)
{
    while (c->count > 0) {
        const size_t at = c->stack[--c->count], x = at % c->width, y = at / c->width;

        for (size_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < c->height; v++)
            for (size_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < c->width; u++)
                if (c->kind[v * c->width + u] == EDGE_MAYBE)
                    be_sure(c, v * c->width + u);
    }
}

static enum ltd_status reserve(struct canny *c, const struct ltd_image *image, struct ltd_error *err)
{
    const size_t width = (size_t)image->width, height = (size_t)image->height, n = width * height;

    *c = (struct canny){.width = width, .height = height, .stride = width + 2};
    c->size = calloc(c->stride * (height + 2), sizeof *c->size);
    c->dx = malloc(n * sizeof *c->dx);
    c->dy = malloc(n * sizeof *c->dy);
    c->kind = malloc(n);
    c->stack = malloc(n * sizeof *c->stack);
    return c->size && c->dx && c->dy && c->kind && c->stack
               ? LTD_OK
               : ltd_fail(err, LTD_ENOMEM, "no memory for the edges of a picture");
}

enum ltd_status canny_edges(const struct ltd_image *image, int low, int high, struct ltd_image **out,
                            struct ltd_error *err)
{
    struct ltd_image *edges = NULL;
    struct canny c;
    enum ltd_status st = reserve(&c, image, err);

    if (st == LTD_OK)
        st = ltd_image_new(image->width, image->height, &edges, err);
    if (st == LTD_OK) {
        for (size_t y = 0; y < c.height; y++)
            for (size_t x = 0; x < c.width; x++)
                measure_pixel(&c, image, x, y);
        sort_pixels(&c, low, high);
        follow(&c);
        for (size_t i = 0; i < c.width * c.height * 3; i++)
            edges->pixels[i] = c.kind[i / 3] == EDGE_SURE ? 255 : 0;
        *out = edges;
    }
    free(c.size);
    free(c.dx);
    free(c.dy);
    free(c.kind);
    free(c.stack);
    return st;
}
