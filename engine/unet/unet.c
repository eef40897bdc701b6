#include "unet/unet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap_list.h"
#include "kernels/elementwise.h"
#include "nn/resblock.h"
#include "nn/time_embedding.h"
#include "nn/transformer_block.h"

/* A resblock and, where the level has attention, the transformer behind it */
struct unet_layer {
    struct resblock resblock;
    struct spatial_transformer transformer;
    bool attends;
};

struct unet_block {
    struct unet_layer *layers;
    size_t count;
    struct conv2d resample; /* the stride-2 convolution down, or the one behind the doubling up */
    bool resamples;
};

struct unet {
    struct unet_config config;
    struct weight_set *weights;
    struct heap_list memory;
    struct time_embedding time;
    struct conv2d conv_in, conv_out;
    struct unet_block down[UNET_MAX_LEVELS], up[UNET_MAX_LEVELS]; /* up[0] is the coarsest */
    struct unet_layer mid;
    struct resblock mid_last; /* behind the attention; only with UNET_MID_CROSS_ATTENTION */
    struct group_norm norm_out;
};

static struct resblock_config resblock_config(const struct unet_config *c, size_t c_in, size_t c_out)
{
    return (struct resblock_config){.c_in = c_in,
                                    .c_out = c_out,
                                    .c_time = c->time_channels,
                                    .time = c->time_scale_shift ? TIME_SCALE_SHIFT : TIME_ADD,
                                    .groups = c->groups,
                                    .eps = c->norm_eps,
                                    .output_scale = 1.0};
}

static void transformer_bind(struct spatial_transformer *t, struct binder *b, const struct unet_config *c,
                             const struct unet_level *level, bool only_cross_attention)
{
    const struct transformer_config config = {.channels = level->channels,
                                              .heads = level->heads,
                                              .context_channels = c->context_channels,
                                              .layers = level->transformer_layers,
                                              .groups = c->groups,
                                              .only_cross_attention = only_cross_attention};

    spatial_transformer_bind(t, b, &config);
}

/* Layer i of a block: resnets.i, attentions.i */
static void layer_bind(struct unet_layer *l, struct binder *b, const struct unet_config *c,
                       const struct unet_level *level, size_t i, size_t c_in, bool attends)
{
    const struct resblock_config config = resblock_config(c, c_in, level->channels);
    size_t mark = binder_enter(b, "resnets.%zu", i);

    resblock_bind(&l->resblock, b, &config);
    binder_leave(b, mark);
    l->attends = attends;
    if (attends) {
        mark = binder_enter(b, "attentions.%zu", i);
        transformer_bind(&l->transformer, b, c, level, level->only_cross_attention);
        binder_leave(b, mark);
    }
}

static void down_bind(struct unet *u, struct binder *b, size_t i)
{
    const struct unet_config *c = &u->config;
    const struct unet_level *level = &c->level[i];
    const size_t mark = binder_enter(b, "down_blocks.%zu", i);
    const size_t c_before = c->level[i > 0 ? i - 1 : 0].channels;
    struct unet_block *block = &u->down[i];

    block->count = level->layers;
    block->layers = binder_array(b, block->count, sizeof *block->layers);
    for (size_t j = 0; j < block->count && block->layers; j++)
        layer_bind(&block->layers[j], b, c, level, j, j == 0 ? c_before : level->channels,
                   level->attention_down);
    block->resamples = i + 1 < c->levels;
    if (block->resamples) {
        conv_bind(&block->resample, b, "downsamplers.0.conv", level->channels, level->channels, 3);
        block->resample.stride = 2;
        block->resample.pad_before = c->downsample_padding;
    }
    binder_leave(b, mark);
}

/* Each layer sees its input beside one skip connection; the last layer's comes from the level above. */
static void up_bind(struct unet *u, struct binder *b, size_t i)
{
    const struct unet_config *c = &u->config;
    const size_t at = c->levels - 1 - i;
    const struct unet_level *level = &c->level[at];
    const size_t c_before = c->level[i > 0 ? at + 1 : at].channels;
    const size_t c_finer = c->level[at > 0 ? at - 1 : 0].channels;
    const size_t mark = binder_enter(b, "up_blocks.%zu", i);
    struct unet_block *block = &u->up[i];

    block->count = level->layers + 1;
    block->layers = binder_array(b, block->count, sizeof *block->layers);
    for (size_t j = 0; j < block->count && block->layers; j++) {
        const size_t input = j == 0 ? c_before : level->channels;
        const size_t skip = j + 1 == block->count ? c_finer : level->channels;

        layer_bind(&block->layers[j], b, c, level, j, input + skip, level->attention_up);
    }
    block->resamples = at > 0;
    if (block->resamples) {
        conv_bind(&block->resample, b, "upsamplers.0.conv", level->channels, level->channels, 3);
        block->resample.upsample = true;
    }
    binder_leave(b, mark);
}

static void mid_bind(struct unet *u, struct binder *b)
{
    const struct unet_config *c = &u->config;
    const struct unet_level *level = &c->level[c->levels - 1];
    struct resblock_config config = resblock_config(c, level->channels, level->channels);
    size_t outer, mark;

    if (c->mid == UNET_MID_NONE)
        return;
    config.output_scale = c->mid_output_scale;
    outer = binder_enter(b, "mid_block");
    mark = binder_enter(b, "resnets.0");
    resblock_bind(&u->mid.resblock, b, &config);
    binder_leave(b, mark);
    if (c->mid == UNET_MID_CROSS_ATTENTION) {
        u->mid.attends = true;
        mark = binder_enter(b, "attentions.0");
        transformer_bind(&u->mid.transformer, b, c, level, false);
        binder_leave(b, mark);
        mark = binder_enter(b, "resnets.1");
        resblock_bind(&u->mid_last, b, &config);
        binder_leave(b, mark);
    }
    binder_leave(b, outer);
}

static enum ltd_status bind(struct unet *u, struct bind_report *report, struct ltd_error *err)
{
    const struct unet_config *c = &u->config;
    const struct time_embedding_config time = {c->level[0].channels, c->time_channels, c->flip_sin_to_cos,
                                               c->frequency_shift};
    const size_t finest = c->level[0].channels;
    struct binder b;
    enum ltd_status st = binder_init(&b, "unet", u->weights, &u->memory, report, err);

    if (st != LTD_OK)
        return st;
    time_embedding_bind(&u->time, &b, &time);
    conv_bind(&u->conv_in, &b, "conv_in", c->in_channels, finest, c->conv_in_kernel);
    for (size_t i = 0; i < c->levels; i++)
        down_bind(u, &b, i);
    mid_bind(u, &b);
    for (size_t i = 0; i < c->levels; i++)
        up_bind(u, &b, i);
    group_norm_bind(&u->norm_out, &b, "conv_norm_out", finest, c->groups, c->norm_eps);
    conv_bind(&u->conv_out, &b, "conv_out", finest, c->out_channels, c->conv_out_kernel);
    return binder_finish(&b);
}

enum ltd_status unet_open(const char *dir, struct bind_report *report, struct unet **out,
                          struct ltd_error *err)
{
    struct unet *u = calloc(1, sizeof *u);
    char path[4096];
    enum ltd_status st;

    if (!u)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the U-Net");
    snprintf(path, sizeof path, "%s/config.json", dir);
    st = unet_config_read(path, &u->config, err);
    if (st == LTD_OK)
        st = weight_set_open(dir, "diffusion_pytorch_model", &u->weights, err);
    if (st == LTD_OK)
        st = bind(u, report, err);
    if (st == LTD_OK && !report)
        *out = u;
    else
        unet_close(u);
    return st;
}

void unet_close(struct unet *u)
{
    if (!u)
        return;
    heap_list_fini(&u->memory);
    weight_set_close(u->weights);
    free(u);
}

const struct unet_config *unet_config(const struct unet *u)
{
    return &u->config;
}

const struct weight_set *unet_weights(const struct unet *u)
{
    return u->weights;
}

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

/* y = transformer(resblock(x), context) */
static void layer_forward(const struct unet_layer *l, struct exec *e, struct tensor y, struct tensor x,
                          struct tensor time, struct tensor context, enum resblock_input input)
{
    resblock_forward(&l->resblock, e, y, x, time, input);
    if (l->attends)
        spatial_transformer_forward(&l->transformer, e, y, context);
}

static struct tensor down_forward(const struct unet_block *block, struct exec *e, struct skips *skips,
                                  struct tensor x, struct tensor time, struct tensor context)
{
    for (size_t i = 0; i < block->count; i++) {
        struct tensor y = push(skips, exec_tensor(e, x.n, x.h, x.w, block->layers[i].resblock.config.c_out));

        layer_forward(&block->layers[i], e, y, x, time, context, KEEP_INPUT); /* a skip */
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
                           struct tensor skip, struct tensor time, struct tensor context)
{
    const size_t mark = exec_mark(e);
    struct tensor joined = exec_tensor(e, x.n, x.h, x.w, x.c + skip.c);

    concat_channels(e, joined, x, skip);
    layer_forward(l, e, y, joined, time, context, SPEND_INPUT);
    exec_rewind(e, mark);
}

static struct tensor up_forward(const struct unet_block *block, struct exec *e, struct skips *skips,
                                struct tensor x, struct tensor time, struct tensor context)
{
    const size_t c_out = block->layers[0].resblock.config.c_out;
    /* Two buffers take turns: a layer cannot write where it reads. */
    struct tensor turn[2] = {exec_tensor(e, x.n, x.h, x.w, c_out), exec_tensor(e, x.n, x.h, x.w, c_out)};

    for (size_t i = 0; i < block->count; i++) {
        struct tensor skip = skips->stack[--skips->count];

        joined_forward(&block->layers[i], e, turn[i % 2], x, skip, time, context);
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

static struct tensor mid_forward(const struct unet *u, struct exec *e, struct tensor x, struct tensor time,
                                 struct tensor context)
{
    struct tensor y, z;

    if (u->config.mid == UNET_MID_NONE)
        return x;
    y = exec_like(e, x);
    layer_forward(&u->mid, e, y, x, time, context, KEEP_INPUT); /* the last skip */
    if (u->config.mid == UNET_MID_PLAIN)
        return y;
    z = exec_like(e, x);
    resblock_forward(&u->mid_last, e, z, y, time, SPEND_INPUT);
    return z;
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

void unet_forward(const struct unet *u, struct exec *e, struct tensor y, struct tensor x, double timestep,
                  struct tensor context)
{
    const size_t mark = exec_mark(e);
    struct skips skips = {.count = 0};
    struct tensor time = exec_tensor(e, x.n, 1, 1, u->config.time_channels);
    struct tensor h;

    exec_stage(e, "in", -1);
    time_embedding_forward(&u->time, e, time, timestep);
    if (u->config.center_input)
        x = center(e, x);
    h = push(&skips, exec_tensor(e, x.n, x.h, x.w, u->config.level[0].channels));
    conv_forward(&u->conv_in, e, h, x);
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(e, "down", (int)i);
        h = down_forward(&u->down[i], e, &skips, h, time, context);
    }
    exec_stage(e, "mid", -1);
    h = mid_forward(u, e, h, time, context);
    for (size_t i = 0; i < u->config.levels; i++) {
        exec_stage(e, "up", (int)i);
        h = up_forward(&u->up[i], e, &skips, h, time, context);
    }
    exec_stage(e, "out", -1);
    group_norm(e, h, h, &u->norm_out, true);
    conv_forward(&u->conv_out, e, y, h);
    exec_rewind(e, mark);
}
