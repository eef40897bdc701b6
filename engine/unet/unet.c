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

/* A forward pass under way.  Until the first attention, feature maps have one item for all that the pass is
 * to have, where they begin alike. */
struct pass {
    struct exec *exec;
    const struct unet_input *input;
    size_t items;
    struct skips skips;
};

/* The items of what a layer makes of x. */
static size_t items_behind(const struct pass *p, const struct unet_layer *l, struct tensor x)
{
    return l->attends ? p->items : x.n;
}

/* y [items_behind] = transformer(resblock(x, time), text) */
static void layer_forward(struct pass *p, const struct unet_layer *l, struct tensor y, struct tensor x,
                          enum resblock_input spend)
{
    resblock_forward(&l->resblock, p->exec, tensor_items(y, 0, x.n), x, unet_layer_time(l, p->input), spend);
    if (l->attends)
        spatial_transformer_forward(&l->transformer, p->exec, y, x.n, unet_layer_text(l, p->input));
}

static struct tensor down_forward(struct pass *p, const struct unet_block *block, struct tensor x)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct unet_layer *l = &block->layers[i];
        struct tensor y =
            push(&p->skips, exec_tensor(p->exec, items_behind(p, l, x), x.h, x.w, l->resblock.config.c_out));

        layer_forward(p, l, y, x, KEEP_INPUT); /* a skip */
        x = y;
    }
    if (block->resamples) {
        /* (size + 2 padding - 3) / 2 + 1, where the padding of 0 stands for one row and column at the far
         * edges */
        const size_t extra = block->resample.pad_before;
        struct tensor y =
            push(&p->skips, exec_tensor(p->exec, x.n, (x.h + extra) / 2, (x.w + extra) / 2, x.c));

        conv_forward(&block->resample, p->exec, y, x);
        x = y;
    }
    return x;
}

/* layer([x | skip]) */
static void joined_forward(struct pass *p, const struct unet_layer *l, struct tensor y, struct tensor x,
                           struct tensor skip)
{
    const size_t mark = exec_mark(p->exec);
    struct tensor joined = exec_tensor(p->exec, x.n, x.h, x.w, x.c + skip.c);

    concat_channels(p->exec, joined, x, skip);
    layer_forward(p, l, y, joined, SPEND_INPUT);
    exec_rewind(p->exec, mark);
}

/* deep = x, for all items */
static void keep_deep(const struct pass *p, struct tensor x)
{
    copy_tensor(p->exec, tensor_items(p->input->deep, 0, x.n), x);
    repeat_first_item(p->exec, p->input->deep, x.n);
}

static struct tensor up_forward(struct pass *p, const struct unet_block *block, struct tensor x, bool last)
{
    const struct unet_layer *first = &block->layers[0];
    /* Two buffers take turns: a layer cannot write where it reads. */
    struct tensor turn[2];

    for (size_t i = 0; i < 2; i++)
        turn[i] = exec_tensor(p->exec, items_behind(p, first, x), x.h, x.w, first->resblock.config.c_out);
    for (size_t i = 0; i < block->count; i++) {
        struct tensor skip = p->skips.stack[--p->skips.count];

        if (last && i + 1 == block->count && p->input->deep.data)
            keep_deep(p, x);
        joined_forward(p, &block->layers[i], turn[i % 2], x, skip);
        x = turn[i % 2];
    }
    if (block->resamples) {
        /* The next skip connection says which of the two sizes that halve to this one it was. */
        struct tensor next = p->skips.stack[p->skips.count - 1];
        struct tensor y = exec_tensor(p->exec, x.n, next.h, next.w, x.c);

        conv_forward(&block->resample, p->exec, y, x);
        x = y;
    }
    return x;
}

static struct tensor mid_forward(struct pass *p, const struct unet_block *block, struct tensor x)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct unet_layer *l = &block->layers[i];
        struct tensor y = exec_tensor(p->exec, items_behind(p, l, x), x.h, x.w, x.c);

        /* What the first one sees is the last skip as well. */
        layer_forward(p, l, y, x, i == 0 ? KEEP_INPUT : SPEND_INPUT);
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

/* What lies between conv_in and conv_out. */
static struct tensor inner_forward(struct pass *p, const struct unet *u, struct tensor h)
{
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(p->exec, "down", (int)i);
        h = down_forward(p, &u->down[i], h);
    }
    exec_stage(p->exec, "mid", -1);
    h = mid_forward(p, &u->mid, h);
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(p->exec, "up", (int)i);
        h = up_forward(p, &u->up[i], h, i + 1 == u->config.levels);
    }
    return h;
}

/* The same with all but the last layer as another pass has left it. */
static struct tensor shallow_forward(struct pass *p, const struct unet *u, struct tensor h)
{
    const struct unet_block *block = &u->up[u->config.levels - 1];
    const struct tensor deep = p->input->deep;
    struct tensor y = exec_like(p->exec, deep);

    exec_stage(p->exec, "up", (int)u->config.levels - 1);
    joined_forward(p, &block->layers[block->count - 1], y, deep, h);
    return y;
}

void unet_forward(const struct unet *u, struct exec *e, struct tensor y, struct tensor x,
                  const struct unet_input *input)
{
    const size_t mark = exec_mark(e);
    struct pass p = {.exec = e, .input = input, .items = y.n};
    struct tensor h;

    exec_stage(e, "in", -1);
    if (u->config.center_input)
        x = center(e, x);
    h = push(&p.skips, exec_tensor(e, x.n, x.h, x.w, u->config.level[0].channels));
    conv_forward(&u->conv_in, e, h, x);
    h = input->shallow ? shallow_forward(&p, u, h) : inner_forward(&p, u, h);
    exec_stage(e, "out", -1);
    group_norm(e, h, h, &u->norm_out, true);
    conv_forward(&u->conv_out, e, tensor_items(y, 0, h.n), h);
    repeat_first_item(e, y, h.n);
    exec_rewind(e, mark);
}
