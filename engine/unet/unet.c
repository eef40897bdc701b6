#include "unet/unet.h"

#include "kernels/elementwise.h"
#include "unet/unet_pass.h"

/* The items of what a layer makes of x. */
static size_t items_behind(const struct pass *p, const struct unet_layer *l, struct tensor x)
{
    return l->attends ? p->items : x.n;
}

/* y [items_behind] = transformer(resblock(x, time), text) */
static void layer_forward(struct pass *p, const struct unet_layer *l, struct tensor y, struct tensor x,
                          enum resblock_input spend)
{
    resblock_forward(&l->resblock, p->exec, tensor_items(y, 0, x.n), x,
                     unet_layer_time(l, p->input, p->times_differ ? x.n : 1), spend);
    if (l->attends)
        spatial_transformer_forward(&l->transformer, p->exec, y, x.n, unet_layer_text(l, p->input));
}

static struct tensor down_forward(struct pass *p, const struct unet_block *block, struct tensor x)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct unet_layer *l = &block->layers[i];
        struct tensor y = skips_push(
            &p->skips, exec_tensor(p->exec, items_behind(p, l, x), x.h, x.w, l->resblock.config.c_out));

        layer_forward(p, l, y, x, KEEP_INPUT); /* a skip */
        x = y;
    }
    if (block->resamples) {
        /* (size + 2 padding - 3) / 2 + 1, where the padding of 0 stands for one row and column at the far
         * edges */
        const size_t extra = block->resample.pad_before;
        struct tensor y =
            skips_push(&p->skips, exec_tensor(p->exec, x.n, (x.h + extra) / 2, (x.w + extra) / 2, x.c));

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

struct tensor unet_encode(struct pass *p, const struct unet *u, struct tensor h)
{
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(p->exec, "down", (int)i);
        h = down_forward(p, &u->down[i], h);
    }
    exec_stage(p->exec, "mid", -1);
    return mid_forward(p, &u->mid, h);
}

/* mid, which the middle gave, and all skips += control.  The last skip is what the middle has seen: it is
 * changed behind it. */
static void add_control(struct pass *p, struct tensor mid)
{
    const struct unet_control *control = p->input->control;

    for (size_t i = 0; i < p->skips.count; i++)
        add_scaled(p->exec, p->skips.stack[i], control->skip[i], 1);
    add_scaled(p->exec, mid, control->mid, 1);
}

/* What lies between conv_in and conv_out. */
static struct tensor inner_forward(struct pass *p, const struct unet *u, struct tensor h)
{
    h = unet_encode(p, u, h);
    if (p->input->control)
        add_control(p, h);
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

struct tensor unet_enter(struct pass *p, const struct unet *u, struct tensor x, size_t items)
{
    struct tensor h =
        skips_push(&p->skips, exec_tensor(p->exec, items, x.h, x.w, u->config.level[0].channels));

    conv_forward(&u->conv_in, p->exec, tensor_items(h, 0, x.n), x);
    repeat_first_item(p->exec, h, x.n);
    return h;
}

void unet_forward(const struct unet *u, struct exec *e, struct tensor y, struct tensor x,
                  const struct unet_input *input)
{
    const size_t mark = exec_mark(e);
    struct pass p = {.exec = e, .input = input, .items = y.n, .times_differ = u->config.added_channels > 0};
    struct tensor h;

    exec_stage(e, "in", -1);
    if (u->config.center_input)
        x = center(e, x);
    h = unet_enter(&p, u, x, p.times_differ || input->control ? y.n : x.n);
    h = input->shallow ? shallow_forward(&p, u, h) : inner_forward(&p, u, h);
    exec_stage(e, "out", -1);
    group_norm(e, h, h, &u->norm_out, true);
    conv_forward(&u->conv_out, e, tensor_items(y, 0, h.n), h);
    repeat_first_item(e, y, h.n);
    exec_rewind(e, mark);
}
