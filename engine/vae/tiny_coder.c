#include "vae/tiny_coder.h"

#include <stdio.h>

#include "kernels/elementwise.h"

/* What a latent is held within before it is decoded. */
#define LATENT_LIMIT 3

static void block_bind(struct tiny_block *t, struct binder *b, size_t layer, size_t channels)
{
    static const char *const names[] = {"conv.0", "conv.2", "conv.4"};
    const size_t mark = binder_enter(b, "layers.%zu", layer);

    for (size_t i = 0; i < 3; i++)
        conv_bind(&t->conv[i], b, names[i], channels, channels, 3);
    binder_leave(b, mark);
}

/* The convolution between two levels. */
static void resample_bind(struct conv2d *conv, struct binder *b, size_t layer, size_t channels, bool up)
{
    char name[64];

    snprintf(name, sizeof name, "layers.%zu", layer);
    conv_bind_unbiased(conv, b, name, channels, channels, 3);
    conv->upsample = up;
    conv->stride = up ? 1 : 2;
}

/* From the first level to conv_out.  All layers have numbers, upsamplings and activations too. */
static void levels_bind(struct tiny_coder *c, struct binder *b, const struct tiny_half *half, size_t layer,
                        bool up, size_t c_out)
{
    char name[64];

    c->levels = half->levels;
    for (size_t i = 0; i < c->levels; i++) {
        struct tiny_level *l = &c->level[i];

        l->count = half->blocks[i];
        l->blocks = binder_array(b, l->count, sizeof *l->blocks);
        for (size_t j = 0; j < l->count && l->blocks; j++)
            block_bind(&l->blocks[j], b, layer + j, half->channels);
        layer += l->count;
        if (i + 1 < c->levels) {
            layer += up;
            resample_bind(&l->resample, b, layer++, half->channels, up);
        }
    }
    snprintf(name, sizeof name, "layers.%zu", layer);
    conv_bind(&c->conv_out, b, name, half->channels, c_out, 3);
}

void tiny_encoder_bind(struct tiny_coder *c, struct binder *b, const struct vae_config *config)
{
    const size_t mark = binder_enter(b, "encoder");

    conv_bind(&c->conv_in, b, "layers.0", config->image_channels, config->encoder.channels, 3);
    levels_bind(c, b, &config->encoder, 1, false, config->latent_channels);
    binder_leave(b, mark);
}

void tiny_decoder_bind(struct tiny_coder *c, struct binder *b, const struct vae_config *config)
{
    const size_t mark = binder_enter(b, "decoder");

    conv_bind(&c->conv_in, b, "layers.0", config->latent_channels, config->decoder.channels, 3);
    levels_bind(c, b, &config->decoder, 2, true, config->image_channels);
    binder_leave(b, mark);
}

/* Three buffers serve all levels, each as large as the largest activation: what goes through the blocks, and
 * what their inner convolutions give. */
struct buffers {
    float *main, *first, *second;
};

static struct tensor with_data(struct tensor shape, float *data)
{
    shape.data = data;
    return shape;
}

static void block_forward(const struct tiny_block *t, struct exec *e, struct tensor x,
                          const struct buffers *buffers)
{
    const struct tensor a = with_data(x, buffers->first), b = with_data(x, buffers->second);

    conv_forward(&t->conv[0], e, a, x);
    activate(e, a, a, ACTIVATION_RELU);
    conv_forward(&t->conv[1], e, b, a);
    activate(e, b, b, ACTIVATION_RELU);
    conv_forward_add(&t->conv[2], e, x, b);
    activate(e, x, x, ACTIVATION_RELU);
}

/* x in the next level's size; what goes through the blocks changes its buffer. */
static struct tensor resample_forward(const struct tiny_level *l, struct exec *e, struct tensor x,
                                      struct buffers *buffers)
{
    const bool up = l->resample.upsample;
    const struct tensor y = {buffers->first, x.n, up ? 2 * x.h : x.h / 2, up ? 2 * x.w : x.w / 2, x.c};

    conv_forward(&l->resample, e, y, x);
    buffers->first = buffers->main;
    buffers->main = y.data;
    return y;
}

/* y = conv_out(levels(conv_in(x))); active: an activation follows conv_in. */
static void coder_forward(const struct tiny_coder *c, struct exec *e, struct tensor y, struct tensor x,
                          bool active)
{
    const size_t mark = exec_mark(e), channels = c->conv_in.c_out;
    const size_t rows = tensor_rows(x) > tensor_rows(y) ? tensor_rows(x) : tensor_rows(y);
    struct buffers buffers = {exec_tensor(e, 1, 1, rows, channels).data,
                              exec_tensor(e, 1, 1, rows, channels).data,
                              exec_tensor(e, 1, 1, rows, channels).data};
    struct tensor h = {buffers.main, x.n, x.h, x.w, channels};

    exec_stage(e, "in", -1);
    conv_forward(&c->conv_in, e, h, x);
    if (active)
        activate(e, h, h, ACTIVATION_RELU);
    for (size_t i = 0; i < c->levels; i++) {
        exec_stage(e, "level", (int)i);
        for (size_t j = 0; j < c->level[i].count; j++)
            block_forward(&c->level[i].blocks[j], e, h, &buffers);
        if (i + 1 < c->levels)
            h = resample_forward(&c->level[i], e, h, &buffers);
    }
    exec_stage(e, "out", -1);
    conv_forward(&c->conv_out, e, y, h);
    exec_rewind(e, mark);
}

/* The layers are of images of 0..1. */
void tiny_encoder_forward(const struct tiny_coder *c, struct exec *e, struct tensor latent,
                          struct tensor image)
{
    const size_t mark = exec_mark(e);
    struct tensor x = exec_like(e, image);

    scale_and_shift(e, x, image, 0.5, 0.5);
    coder_forward(c, e, latent, x, false);
    exec_rewind(e, mark);
}

void tiny_decoder_forward(const struct tiny_coder *c, struct exec *e, struct tensor image,
                          struct tensor latent)
{
    const size_t mark = exec_mark(e);
    struct tensor z = exec_like(e, latent);

    limit_softly(e, z, latent, LATENT_LIMIT);
    coder_forward(c, e, image, z, true);
    scale_and_shift(e, image, image, 2, -1);
    exec_rewind(e, mark);
}
