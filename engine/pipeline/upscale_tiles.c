#include "pipeline/upscale_tiles.h"

#include <math.h>

/* A tile along one axis, in pixels of the picture: it gives [from, to), and is shown [first, end). */
struct span {
    size_t from, to, first, end;
};

/* Where the picture's side is no multiple of the network's unit, its last pixels are mirrored. */
static size_t units_of(size_t side, size_t unit)
{
    return (side + unit - 1) / unit;
}

static size_t tiles_along(size_t units)
{
    return (units + UPSCALE_TILE - 1) / UPSCALE_TILE;
}

/* Tiles of as equal sizes as can be. */
static struct span span_of(size_t i, size_t units, size_t unit)
{
    const size_t count = tiles_along(units), from = units * i / count, to = units * (i + 1) / count;
    const size_t first = from < UPSCALE_HALO ? 0 : from - UPSCALE_HALO;
    const size_t end = to + UPSCALE_HALO < units ? to + UPSCALE_HALO : units;

    return (struct span){from * unit, to * unit, first * unit, end * unit};
}

static size_t mirrored(size_t at, size_t side)
{
    const size_t back = at < side ? 0 : 2 * (at - side) + 2;

    return at >= back ? at - back : 0;
}

size_t upscale_tiles_count(const struct upscale_net *net, int width, int height)
{
    const size_t unit = upscale_net_unit(net);

    return tiles_along(units_of((size_t)width, unit)) * tiles_along(units_of((size_t)height, unit));
}

static void load(struct tensor x, const struct ltd_image *in, size_t top, size_t left)
{
    float *value = x.data;

    for (size_t y = 0; y < x.h; y++)
        for (size_t i = 0; i < x.w; i++) {
            const size_t row = mirrored(top + y, (size_t)in->height);
            const size_t column = mirrored(left + i, (size_t)in->width);
            const uint8_t *pixel = in->pixels + (row * (size_t)in->width + column) * 3;

            for (int c = 0; c < 3; c++)
                *value++ = (float)pixel[c] / 255.0f;
        }
}

/* The part of y that the tile gives and the picture has, rounded half to even as numpy does. */
static enum ltd_status store(struct ltd_image *out, struct tensor y, const struct span *down,
                             const struct span *across, size_t factor, struct ltd_error *err)
{
    const size_t bottom = down->to * factor, right = across->to * factor;
    const size_t height = (size_t)out->height < bottom ? (size_t)out->height : bottom;
    const size_t width = (size_t)out->width < right ? (size_t)out->width : right;

    for (size_t row = down->from * factor; row < height; row++)
        for (size_t column = across->from * factor; column < width; column++) {
            const float *value =
                y.data + ((row - down->first * factor) * y.w + column - across->first * factor) * 3;
            uint8_t *pixel = out->pixels + (row * (size_t)out->width + column) * 3;

            for (int c = 0; c < 3; c++) {
                if (!isfinite(value[c]))
                    return ltd_fail(err, LTD_ENONFINITE, "the upscaler gave values that are not finite");
                pixel[c] = (uint8_t)nearbyintf(fminf(fmaxf(value[c], 0.0f), 1.0f) * 255.0f);
            }
        }
    return LTD_OK;
}

static enum ltd_status run_tile(const struct upscale_net *net, struct exec *e, struct ltd_image *out,
                                const struct ltd_image *in, const struct span *down,
                                const struct span *across, struct ltd_error *err)
{
    const size_t mark = exec_mark(e), factor = upscale_net_factor(net);
    const size_t h = down->end - down->first, w = across->end - across->first;
    struct tensor x = exec_tensor(e, 1, h, w, 3), y = exec_tensor(e, 1, factor * h, factor * w, 3);
    enum ltd_status st = LTD_OK;

    if (!exec_is_dry(e))
        load(x, in, down->first, across->first);
    upscale_net_forward(net, e, y, x);
    if (exec_is_canceled(e))
        st = ltd_fail(err, LTD_ECANCELED, "canceled");
    else if (!exec_is_dry(e))
        st = store(out, y, down, across, factor, err);
    exec_rewind(e, mark);
    return st;
}

enum ltd_status upscale_tiles_run(const struct upscale_net *net, struct exec *e, struct ltd_image *out,
                                  const struct ltd_image *in, upscale_tile_fn *done, void *arg,
                                  struct ltd_error *err)
{
    const size_t unit = upscale_net_unit(net);
    const size_t rows = units_of((size_t)in->height, unit), columns = units_of((size_t)in->width, unit);

    for (size_t i = 0; i < tiles_along(rows); i++)
        for (size_t k = 0; k < tiles_along(columns); k++) {
            const struct span down = span_of(i, rows, unit), across = span_of(k, columns, unit);
            const enum ltd_status st = run_tile(net, e, out, in, &down, &across, err);

            if (st != LTD_OK)
                return st;
            done(arg);
        }
    return LTD_OK;
}
