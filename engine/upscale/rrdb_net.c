#include "upscale/rrdb_net.h"

#include <stdio.h>

#include "kernels/elementwise.h"
#include "upscale/pixel_shuffle.h"

#define IMAGE_CHANNELS 3

/* What of a branch is added to what it began with, and what is left below 0. */
static const double residual_scale = 0.2;
static const float leak = 0.2f;

/* The convolutions behind the trunk hold up to 128 times as much as it for each pixel, so they are run in
 * bands of so many of its rows.  What they give depends on no more than two rows beyond. */
#define BAND_ROWS   32
#define BAND_BEYOND 2

/* ---- binding ---- */

static const struct weight *find(const struct binder *b, const char *name)
{
    return weight_set_find(b->weights, name);
}

static size_t side_of(const struct binder *b, const char *name, int axis)
{
    const struct weight *w = find(b, name);

    return w && w->rank == 4 ? w->dim[axis] : 0;
}

static size_t count_named(const struct binder *b, const char *format_before, const char *after, size_t first)
{
    size_t count = 0;

    for (bool found = true; found; count += found) {
        char name[BINDER_NAME_MAX];

        snprintf(name, sizeof name, "%s%zu%s", format_before, first + count, after);
        found = find(b, name) != NULL;
    }
    return count;
}

static void tell_net(struct rrdb_net *net, struct binder *b)
{
    const size_t in = side_of(b, "conv_first.weight", 1);

    net->features = side_of(b, "conv_first.weight", 0);
    net->growth = side_of(b, "body.0.rdb1.conv1.weight", 0);
    net->count = count_named(b, "body.", ".rdb1.conv1.weight", 0);
    net->up_count = count_named(b, "conv_up", ".weight", 1);
    net->unshuffle = in == 16 * IMAGE_CHANNELS ? 4 : in == 4 * IMAGE_CHANNELS ? 2 : 1;
    if (net->features == 0 || net->growth == 0)
        binder_fail(b, LTD_EFORMAT, "%s: it has no conv_first or no body.0.rdb1.conv1 of four dimensions",
                    b->part);
    else if (in != IMAGE_CHANNELS * net->unshuffle * net->unshuffle)
        binder_fail(b, LTD_EUNSUPPORTED,
                    "%s: it takes %zu channels; known are networks that take the 3 of a picture, or 12 or 48",
                    b->part, in);
    else if (net->up_count > RRDB_MAX_UP || ((size_t)1 << net->up_count) < net->unshuffle)
        binder_fail(b, LTD_EUNSUPPORTED,
                    "%s: it doubles its picture %zu times, after making %zu x %zu pixels one", b->part,
                    net->up_count, net->unshuffle, net->unshuffle);
}

static void bind_conv(struct conv2d *conv, struct binder *b, const char *name, size_t c_in, size_t c_out,
                      const float *slope)
{
    conv_bind(conv, b, name, c_in, c_out, 3);
    conv->slope = slope;
}

static void bind_dense(const struct rrdb_net *net, struct rrdb_dense *d, struct binder *b, const float *slope)
{
    for (size_t k = 0; k < RRDB_CONVS; k++) {
        const bool is_last = k + 1 == RRDB_CONVS;
        char name[16];

        snprintf(name, sizeof name, "conv%zu", k + 1);
        bind_conv(&d->conv[k], b, name, net->features + k * net->growth,
                  is_last ? net->features : net->growth, is_last ? NULL : slope);
    }
}

static void bind_blocks(struct rrdb_net *net, struct binder *b, const float *slope)
{
    net->blocks = binder_array(b, net->count, sizeof *net->blocks);
    for (size_t i = 0; i < net->count && net->blocks; i++)
        for (size_t k = 0; k < RRDB_DENSE; k++) {
            const size_t mark = binder_enter(b, "body.%zu.rdb%zu", i, k + 1);

            bind_dense(net, &net->blocks[i].dense[k], b, slope);
            binder_leave(b, mark);
        }
}

void rrdb_net_bind(struct rrdb_net *net, struct binder *b)
{
    float *slope;
    size_t most;

    tell_net(net, b);
    most = net->features > net->growth ? net->features : net->growth;
    slope = binder_array(b, most, sizeof *slope);
    for (size_t i = 0; slope && i < most; i++)
        slope[i] = leak;
    bind_conv(&net->first, b, "conv_first", IMAGE_CHANNELS * net->unshuffle * net->unshuffle, net->features,
              NULL);
    bind_blocks(net, b, slope);
    bind_conv(&net->body, b, "conv_body", net->features, net->features, NULL);
    for (size_t i = 0; i < net->up_count && b->status == LTD_OK; i++) {
        char name[32];

        snprintf(name, sizeof name, "conv_up%zu", i + 1);
        bind_conv(&net->up[i], b, name, net->features, net->features, slope);
        net->up[i].upsample = true;
    }
    bind_conv(&net->hr, b, "conv_hr", net->features, net->features, slope);
    bind_conv(&net->last, b, "conv_last", net->features, IMAGE_CHANNELS, NULL);
}

/* ---- running ---- */

/* The channels of t from `first` on, as y of a convolution. */
static struct tensor channels_from(struct tensor t, size_t first)
{
    t.data += first;
    return t;
}

/* x, the first channels of dense, += 0.2 * conv5(x, conv1(x), conv2(x, conv1(x)), ...): each convolution
 * reads what those before have put behind x (basicsr: ResidualDenseBlock). */
static void dense_forward(const struct rrdb_net *net, const struct rrdb_dense *d, struct exec *e,
                          struct tensor dense, struct tensor last)
{
    for (size_t k = 0; k + 1 < RRDB_CONVS; k++)
        conv_forward(&d->conv[k], e, channels_from(dense, net->features + k * net->growth), dense);
    conv_forward(&d->conv[RRDB_CONVS - 1], e, last, dense);
    add_scaled(e, dense, last, residual_scale);
}

/* trunk [1, h, w, features] = f + body(blocks(f)), f = first(x) */
static void trunk_forward(const struct rrdb_net *net, struct exec *e, struct tensor trunk, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor f = exec_like(e, trunk), last = exec_like(e, trunk);
    struct tensor dense = exec_tensor(e, 1, trunk.h, trunk.w, net->features + (RRDB_CONVS - 1) * net->growth);

    conv_forward(&net->first, e, trunk, x);
    copy_tensor(e, f, trunk);
    for (size_t i = 0; i < net->count; i++) {
        copy_channels(e, dense, f);
        for (size_t k = 0; k < RRDB_DENSE; k++)
            dense_forward(net, &net->blocks[i].dense[k], e, dense, last);
        add_scaled(e, f, dense, residual_scale);
    }
    conv_forward_add(&net->body, e, trunk, f);
    exec_rewind(e, mark);
}

/* y [1, 2^up_count h, 2^up_count w, 3] of a piece of the trunk */
static void enlarge(const struct rrdb_net *net, struct exec *e, struct tensor y, struct tensor trunk)
{
    struct tensor t = trunk, larger;

    for (size_t i = 0; i < net->up_count; i++) {
        larger = exec_tensor(e, 1, 2 * t.h, 2 * t.w, net->features);
        conv_forward(&net->up[i], e, larger, t);
        t = larger;
    }
    larger = exec_like(e, t);
    conv_forward(&net->hr, e, larger, t);
    conv_forward(&net->last, e, y, larger);
}

/* The rows [first, first + count) of t. */
static struct tensor rows_of(struct tensor t, size_t first, size_t count)
{
    t.data += first * t.w * t.c;
    t.h = count;
    return t;
}

static void enlarge_band(const struct rrdb_net *net, struct exec *e, struct tensor y, struct tensor trunk,
                         size_t row)
{
    const size_t mark = exec_mark(e), scale = (size_t)1 << net->up_count;
    const size_t end = row + BAND_ROWS < trunk.h ? row + BAND_ROWS : trunk.h;
    const size_t from = row < BAND_BEYOND ? 0 : row - BAND_BEYOND;
    const size_t to = end + BAND_BEYOND < trunk.h ? end + BAND_BEYOND : trunk.h;
    struct tensor band = exec_tensor(e, 1, scale * (to - from), y.w, y.c);

    enlarge(net, e, band, rows_of(trunk, from, to - from));
    copy_tensor(e, rows_of(y, scale * row, scale * (end - row)),
                rows_of(band, scale * (row - from), scale * (end - row)));
    exec_rewind(e, mark);
}

void rrdb_net_forward(const struct rrdb_net *net, struct exec *e, struct tensor y, struct tensor x)
{
    const size_t mark = exec_mark(e), r = net->unshuffle;
    struct tensor trunk = exec_tensor(e, 1, x.h / r, x.w / r, net->features), in = x;

    if (r > 1) {
        in = exec_tensor(e, 1, trunk.h, trunk.w, r * r * x.c);
        pixel_unshuffle(e, in, x);
    }
    trunk_forward(net, e, trunk, in);
    for (size_t row = 0; row < trunk.h; row += BAND_ROWS)
        enlarge_band(net, e, y, trunk, row);
    exec_rewind(e, mark);
}
