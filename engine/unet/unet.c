#include "unet/unet.h"

#include "kernels/elementwise.h"
#include "unet/unet_network.h"

/* What the way down leaves for the way up, taken back last first. */
struct skips {
    struct tensor stack[UNET_MAX_LEVELS * (UNET_MAX_LAYERS + 1) + 1];
    size_t count;
};

static struct tensor push(struct skips *s, struct tensor t)
{
    s->stack[s->count++] = t;
    return t;
}

/* y = transformer(resblock(x, time), text) */
static void layer_forward(const struct unet_layer *l, struct exec *e, struct tensor y, struct tensor x,
                          const struct unet_input *input, enum resblock_input spend)
{
    resblock_forward(&l->resblock, e, y, x, unet_layer_time(l, input), spend);
    if (l->attends)
        spatial_transformer_forward(&l->transformer, e, y, unet_layer_text(l, input));
}

static struct tensor down_forward(const struct unet_block *block, struct exec *e, struct skips *skips,
                                  struct tensor x, const struct unet_input *input)
{
    for (size_t i = 0; i < block->count; i++) {
        struct tensor y = push(skips, exec_tensor(e, x.n, x.h, x.w, block->layers[i].resblock.config.c_out));

        layer_forward(&block->layers[i], e, y, x, input, KEEP_INPUT); /* a skip */
        x = y;
    }
    if (block->resamples) {
        /* (size + 2 padding - 3) / 2 + 1, where the padding of 0 stands for one row and column at the far
         * edges */
        const size_t extra = block->resample.pad_before;
        struct tensor y = push(skips, exec_tensor(e, x.n, (x.h + extra) / 2, (x.w + extra) / 2, x.c));

        conv_forward(&block->resample, e, y, x);
        x = y;
    }
    return x;
}

/* layer([x | skip]) */
static void joined_forward(const struct unet_layer *l, struct exec *e, struct tensor y, struct tensor x,
                           struct tensor skip, const struct unet_input *input)
{
    const size_t mark = exec_mark(e);
    struct tensor joined = exec_tensor(e, x.n, x.h, x.w, x.c + skip.c);

    concat_channels(e, joined, x, skip);
    layer_forward(l, e, y, joined, input, SPEND_INPUT);
    exec_rewind(e, mark);
}

static struct tensor up_forward(const struct unet_block *block, struct exec *e, struct skips *skips,
                                struct tensor x, const struct unet_input *input)
{
    const size_t c_out = block->layers[0].resblock.config.c_out;
    /* Two buffers take turns: a layer cannot write where it reads. */
    struct tensor turn[2] = {exec_tensor(e, x.n, x.h, x.w, c_out), exec_tensor(e, x.n, x.h, x.w, c_out)};

    for (size_t i = 0; i < block->count; i++) {
        struct tensor skip = skips->stack[--skips->count];

        joined_forward(&block->layers[i], e, turn[i % 2], x, skip, input);
        x = turn[i % 2];
    }
    if (block->resamples) {
        /* The next skip connection says which of the two sizes that halve to this one it was. */
        struct tensor next = skips->stack[skips->count - 1];
        struct tensor y = exec_tensor(e, x.n, next.h, next.w, x.c);

        conv_forward(&block->resample, e, y, x);
        x = y;
    }
    return x;
}

static struct tensor mid_forward(const struct unet_block *block, struct exec *e, struct tensor x,
                                 const struct unet_input *input)
{
    for (size_t i = 0; i < block->count; i++) {
        struct tensor y = exec_like(e, x);

        /* What the first one sees is the last skip as well. */
        layer_forward(&block->layers[i], e, y, x, input, i == 0 ? KEEP_INPUT : SPEND_INPUT);
        x = y;
    }
    return x;
}

struct center_job {
    struct tensor y, x;
};

static void center_tile(void *arg, size_t row, void *scratch)
{
    const struct center_job *j = arg;

    (void)scratch;
    for (size_t i = row * j->x.c; i < (row + 1) * j->x.c; i++)
        j->y.data[i] = 2 * j->x.data[i] - 1;
}

/* 2x - 1, for networks trained on inputs of 0..1 */
static struct tensor center(struct exec *e, struct tensor x)
{
    struct tensor y = exec_like(e, x);
    struct center_job j = {y, x};

    exec_tiles(e, LTD_OPERATOR_OTHER, tensor_rows(x), 0, center_tile, &j);
    return y;
}

void unet_forward(const struct unet *u, struct exec *e, struct tensor y, struct tensor x,
                  const struct unet_input *input)
{
    const size_t mark = exec_mark(e);
    struct skips skips = {.count = 0};
    struct tensor h;

    exec_stage(e, "in", -1);
    if (u->config.center_input)
        x = center(e, x);
    h = push(&skips, exec_tensor(e, x.n, x.h, x.w, u->config.level[0].channels));
    conv_forward(&u->conv_in, e, h, x);
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(e, "down", (int)i);
        h = down_forward(&u->down[i], e, &skips, h, input);
    }
    exec_stage(e, "mid", -1);
    h = mid_forward(&u->mid, e, h, input);
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(e, "up", (int)i);
        h = up_forward(&u->up[i], e, &skips, h, input);
    }
    exec_stage(e, "out", -1);
    group_norm(e, h, h, &u->norm_out, true);
    conv_forward(&u->conv_out, e, y, h);
    exec_rewind(e, mark);
}
