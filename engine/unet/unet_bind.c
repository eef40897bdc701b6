/* unet_bind.c - a U-Net from its folder. */
#include "unet/unet_network.h"

#include <stdio.h>
#include <stdlib.h>

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
                             const struct unet_level *level, size_t depth)
{
    const struct transformer_config config = {.channels = level->channels,
                                              .heads = level->heads,
                                              .context_channels = c->context_channels,
                                              .layers = depth,
                                              .groups = c->groups,
                                              .only_cross_attention = level->only_cross_attention};

    spatial_transformer_bind(t, b, &config);
}

/* Layer i of a block: resnets.i and, with a depth above 0, attentions.i of so many transformer blocks */
static void layer_bind(struct unet *u, struct unet_layer *l, struct binder *b, const struct unet_level *level,
                       size_t i, const struct resblock_config *resblock, size_t depth)
{
    size_t mark = binder_enter(b, "resnets.%zu", i);

    resblock_bind(&l->resblock, b, resblock);
    binder_leave(b, mark);
    l->time_at = u->time_channels;
    u->time_channels += resblock_time_channels(resblock);
    l->attends = depth > 0;
    if (!l->attends)
        return;
    mark = binder_enter(b, "attentions.%zu", i);
    transformer_bind(&l->transformer, b, &u->config, level, depth);
    binder_leave(b, mark);
    l->text_at = u->text_channels;
    u->text_channels += l->transformer.text_channels;
}

/* The next so many of all layers; none when there was no memory for them. */
static void block_init(struct unet *u, struct unet_block *block, size_t layers)
{
    if (!u->layers)
        return;
    block->layers = u->layers + u->count;
    block->count = layers;
    u->count += layers;
}

static void down_bind(struct unet *u, struct binder *b, size_t i)
{
    const struct unet_config *c = &u->config;
    const struct unet_level *level = &c->level[i];
    const size_t mark = binder_enter(b, "down_blocks.%zu", i);
    const size_t c_before = c->level[i > 0 ? i - 1 : 0].channels;
    struct unet_block *block = &u->down[i];

    block_init(u, block, level->layers);
    for (size_t j = 0; j < block->count; j++) {
        const struct resblock_config resblock =
            resblock_config(c, j == 0 ? c_before : level->channels, level->channels);

        layer_bind(u, &block->layers[j], b, level, j, &resblock,
                   level->attention_down ? level->depth_down[j] : 0);
    }
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

    block_init(u, block, level->layers + 1);
    for (size_t j = 0; j < block->count; j++) {
        const size_t input = j == 0 ? c_before : level->channels;
        const size_t skip = j + 1 == block->count ? c_finer : level->channels;
        const struct resblock_config resblock = resblock_config(c, input + skip, level->channels);

        layer_bind(u, &block->layers[j], b, level, j, &resblock,
                   level->attention_up ? level->depth_up[j] : 0);
    }
    block->resamples = at > 0;
    if (block->resamples) {
        conv_bind(&block->resample, b, "upsamplers.0.conv", level->channels, level->channels, 3);
        block->resample.upsample = true;
    }
    binder_leave(b, mark);
}

/* only_cross_attention is no matter of the middle block. */
static void mid_bind(struct unet *u, struct binder *b)
{
    const struct unet_config *c = &u->config;
    struct unet_level level = c->level[c->levels - 1];
    struct resblock_config resblock = resblock_config(c, level.channels, level.channels);
    size_t mark;

    if (c->mid == UNET_MID_NONE)
        return;
    level.only_cross_attention = false;
    resblock.output_scale = c->mid_output_scale;
    mark = binder_enter(b, "mid_block");
    block_init(u, &u->mid, c->mid == UNET_MID_CROSS_ATTENTION ? 2 : 1);
    for (size_t i = 0; i < u->mid.count; i++)
        layer_bind(u, &u->mid.layers[i], b, &level, i, &resblock, i + 1 < u->mid.count ? c->mid_depth : 0);
    binder_leave(b, mark);
}

static size_t count_layers(const struct unet_config *c)
{
    size_t count = 2; /* of the middle block, at most */

    for (size_t i = 0; i < c->levels; i++)
        count += 2 * c->level[i].layers + 1;
    return count;
}

void unet_bind_encoder(struct unet *u, struct binder *b)
{
    const struct unet_config *c = &u->config;
    const size_t finest = c->level[0].channels;

    u->layers = binder_array(b, count_layers(c), sizeof *u->layers);
    u->sinusoids = (struct sinusoid_config){c->flip_sin_to_cos, c->frequency_shift};
    embedding_layers_bind(&u->time, b, "time_embedding", finest, c->time_channels);
    if (c->guidance_channels > 0)
        linear_bind(&u->guidance, b, "time_embedding.cond_proj", c->guidance_channels, finest, WITHOUT_BIAS);
    if (c->added_channels > 0)
        embedding_layers_bind(&u->added, b, "add_embedding", c->added_channels, c->time_channels);
    conv_bind(&u->conv_in, b, "conv_in", c->in_channels, finest, c->conv_in_kernel);
    for (size_t i = 0; i < c->levels; i++)
        down_bind(u, b, i);
    mid_bind(u, b);
}

static enum ltd_status bind(struct unet *u, enum bind_use use, struct bind_report *report,
                            struct ltd_error *err)
{
    const struct unet_config *c = &u->config;
    const size_t finest = c->level[0].channels;
    struct binder b;
    enum ltd_status st = binder_init(&b, "unet", u->weights, &u->memory, report, err);

    if (st != LTD_OK)
        return st;
    b.overlay = u->overlay;
    b.use = use;
    unet_bind_encoder(u, &b);
    for (size_t i = 0; i < c->levels; i++)
        up_bind(u, &b, i);
    group_norm_bind(&u->norm_out, &b, "conv_norm_out", finest, c->groups, c->norm_eps);
    conv_bind(&u->conv_out, &b, "conv_out", finest, c->out_channels, c->conv_out_kernel);
    st = binder_finish(&b);
    if (st == LTD_OK && use == BIND_SHAPES)
        weight_set_close_files(u->weights);
    return st;
}

enum ltd_status unet_open(const char *dir, enum bind_use use, struct bind_report *report, struct unet **out,
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
        st = bind(u, use, report, err);
    if (st == LTD_OK && !report)
        *out = u;
    else
        unet_close(u);
    return st;
}

enum ltd_status unet_open_set(const struct ltd_json *config, const char *file, struct weight_set *weights,
                              enum bind_use use, struct unet **out, struct ltd_error *err)
{
    struct unet *u = calloc(1, sizeof *u);
    enum ltd_status st;

    if (!u) {
        weight_set_close(weights);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the U-Net");
    }
    u->weights = weights;
    st = unet_config_parse(config, file, UNET_CLASS, &u->config, err);
    if (st == LTD_OK)
        st = bind(u, use, NULL, err);
    if (st == LTD_OK)
        *out = u;
    else
        unet_close(u);
    return st;
}

enum ltd_status unet_adapt(const struct unet *base, const struct weight_overlay *overlay, struct unet **out,
                           struct ltd_error *err)
{
    struct unet *u = calloc(1, sizeof *u);
    enum ltd_status st;

    if (!u)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the U-Net");
    u->config = base->config;
    u->weights = base->weights;
    u->overlay = overlay;
    st = bind(u, BIND_RUN, NULL, err);
    if (st == LTD_OK)
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
    if (!u->overlay)
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

size_t unet_deep_channels(const struct unet *u)
{
    return u->config.level[0].channels;
}
