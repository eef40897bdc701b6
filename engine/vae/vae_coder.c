#include "vae/vae_coder.h"

static void level_bind(struct vae_level *l, struct binder *b, size_t c_in, size_t c_out, size_t count,
                       size_t groups)
{
    l->count = count;
    l->resblocks = binder_array(b, count, sizeof *l->resblocks);
    for (size_t i = 0; i < count && l->resblocks; i++) {
        const size_t mark = binder_enter(b, "resnets.%zu", i);

        vae_resblock_bind(&l->resblocks[i], b, i == 0 ? c_in : c_out, c_out, groups);
        binder_leave(b, mark);
    }
}

void vae_encoder_bind(struct vae_coder *c, struct binder *b, const struct vae_config *config)
{
    const size_t outer = binder_enter(b, "encoder"), coarsest = config->channels[config->levels - 1];

    c->levels = config->levels;
    conv_bind(&c->conv_in, b, "conv_in", config->image_channels, config->channels[0], 3);
    for (size_t i = 0; i < c->levels; i++) {
        const size_t mark = binder_enter(b, "down_blocks.%zu", i), channels = config->channels[i];
        struct vae_level *l = &c->level[i];

        level_bind(l, b, config->channels[i > 0 ? i - 1 : 0], channels, config->layers, config->groups);
        l->resamples = i + 1 < c->levels;
        if (l->resamples) {
            /* Zeros only below and to the right, unlike the U-Net's. */
            conv_bind(&l->resample, b, "downsamplers.0.conv", channels, channels, 3);
            l->resample.stride = 2;
            l->resample.pad_before = 0;
        }
        binder_leave(b, mark);
    }
    vae_mid_bind(&c->mid, b, coarsest, config->groups, config->mid_attention);
    group_norm_bind(&c->norm_out, b, "conv_norm_out", coarsest, config->groups, 1e-6);
    conv_bind(&c->conv_out, b, "conv_out", coarsest, 2 * config->latent_channels, 3);
    binder_leave(b, outer);
}

void vae_decoder_bind(struct vae_coder *c, struct binder *b, const struct vae_config *config)
{
    const size_t outer = binder_enter(b, "decoder"), last = config->levels - 1;

    c->levels = config->levels;
    conv_bind(&c->conv_in, b, "conv_in", config->latent_channels, config->channels[last], 3);
    vae_mid_bind(&c->mid, b, config->channels[last], config->groups, config->mid_attention);
    for (size_t i = 0; i < c->levels; i++) {
        const size_t mark = binder_enter(b, "up_blocks.%zu", i), channels = config->channels[last - i];
        struct vae_level *l = &c->level[i];

        level_bind(l, b, config->channels[i > 0 ? last - i + 1 : last], channels, config->layers + 1,
                   config->groups);
        l->resamples = i < last;
        if (l->resamples) {
            conv_bind(&l->resample, b, "upsamplers.0.conv", channels, channels, 3);
            l->resample.upsample = true;
        }
        binder_leave(b, mark);
    }
    group_norm_bind(&c->norm_out, b, "conv_norm_out", config->channels[0], config->groups, 1e-6);
    conv_bind(&c->conv_out, b, "conv_out", config->channels[0], config->image_channels, 3);
    binder_leave(b, outer);
}

/* Two buffers take turns through all levels of a coder, each as large as the largest activation that falls to
 * it, so that a decode needs no more than what its finest level needs. */
struct turns {
    float *buffer[2];
    size_t values[2];
    int next;
};

static struct tensor take_turn(struct turns *t, size_t n, size_t h, size_t w, size_t c)
{
    const struct tensor y = {t->buffer[t->next], n, h, w, c};

    t->next = 1 - t->next;
    return y;
}

/* The size behind a level's resampling: half, rounded down, or twice. */
static size_t resampled(const struct vae_level *l, size_t side)
{
    if (!l->resamples)
        return side;
    return l->resample.upsample ? 2 * side : side / 2;
}

static void count_turn(struct turns *t, struct tensor x, size_t channels)
{
    const size_t values = tensor_rows(x) * channels;

    if (values > t->values[t->next])
        t->values[t->next] = values;
    t->next = 1 - t->next;
}

/* Counts what the forward functions take, in their order: the middle comes first in a decoder, last in an
 * encoder. */
static void count_turns(struct turns *t, const struct vae_coder *c, struct tensor x, bool mid_first)
{
    count_turn(t, x, c->conv_in.c_out);
    if (mid_first)
        count_turn(t, x, c->conv_in.c_out);
    for (size_t i = 0; i < c->levels; i++) {
        const struct vae_level *l = &c->level[i];
        const size_t channels = l->resblocks[0].config.c_out;

        for (size_t j = 0; j < l->count; j++)
            count_turn(t, x, channels);
        x.h = resampled(l, x.h);
        x.w = resampled(l, x.w);
        if (l->resamples || i + 1 == c->levels)
            count_turn(t, x, channels); /* behind the last level, an encoder's middle */
    }
}

static struct turns make_turns(const struct vae_coder *c, struct exec *e, struct tensor x, bool mid_first)
{
    struct turns t = {.next = 0};

    count_turns(&t, c, x, mid_first);
    for (int i = 0; i < 2; i++)
        t.buffer[i] = exec_tensor(e, 1, 1, 1, t.values[i]).data;
    t.next = 0;
    return t;
}

static struct tensor levels_forward(const struct vae_coder *c, struct exec *e, struct turns *turns,
                                    struct tensor x)
{
    for (size_t i = 0; i < c->levels; i++) {
        const struct vae_level *l = &c->level[i];
        struct tensor y;

        exec_stage(e, "level", (int)i);
        for (size_t j = 0; j < l->count; j++) {
            y = take_turn(turns, x.n, x.h, x.w, l->resblocks[j].config.c_out);
            resblock_forward(&l->resblocks[j], e, y, x, RESBLOCK_NO_TIME, SPEND_INPUT);
            x = y;
        }
        if (l->resamples) {
            y = take_turn(turns, x.n, resampled(l, x.h), resampled(l, x.w), x.c);
            conv_forward(&l->resample, e, y, x);
            x = y;
        }
    }
    return x;
}

static struct tensor first_conv(const struct vae_coder *c, struct exec *e, struct turns *turns,
                                struct tensor x)
{
    struct tensor y = take_turn(turns, x.n, x.h, x.w, c->conv_in.c_out);

    exec_stage(e, "in", -1);
    conv_forward(&c->conv_in, e, y, x);
    return y;
}

static struct tensor mid_forward(const struct vae_coder *c, struct exec *e, struct turns *turns,
                                 struct tensor x)
{
    struct tensor y = take_turn(turns, x.n, x.h, x.w, x.c);

    exec_stage(e, "mid", -1);
    vae_mid_forward(&c->mid, e, y, x);
    return y;
}

static void last_conv(const struct vae_coder *c, struct exec *e, struct tensor y, struct tensor x)
{
    exec_stage(e, "out", -1);
    group_norm(e, x, x, &c->norm_out, true);
    conv_forward(&c->conv_out, e, y, x);
}

void vae_encoder_forward(const struct vae_coder *c, struct exec *e, struct tensor moments,
                         struct tensor image)
{
    const size_t mark = exec_mark(e);
    struct turns turns = make_turns(c, e, image, false);
    struct tensor h = first_conv(c, e, &turns, image);

    h = levels_forward(c, e, &turns, h);
    h = mid_forward(c, e, &turns, h);
    last_conv(c, e, moments, h);
    exec_rewind(e, mark);
}

void vae_decoder_forward(const struct vae_coder *c, struct exec *e, struct tensor image, struct tensor latent)
{
    const size_t mark = exec_mark(e);
    struct turns turns = make_turns(c, e, latent, true);
    struct tensor h = first_conv(c, e, &turns, latent);

    h = mid_forward(c, e, &turns, h);
    h = levels_forward(c, e, &turns, h);
    last_conv(c, e, image, h);
    exec_rewind(e, mark);
}

void vae_encoder_keys_forward(const struct vae_coder *c, struct exec *e, struct tensor y, struct tensor image)
{
    const size_t mark = exec_mark(e);
    struct turns turns = make_turns(c, e, image, false);

    vae_mid_keys(&c->mid, e, y, levels_forward(c, e, &turns, first_conv(c, e, &turns, image)));
    exec_rewind(e, mark);
}

void vae_decoder_keys_forward(const struct vae_coder *c, struct exec *e, struct tensor y,
                              struct tensor latent)
{
    const size_t mark = exec_mark(e);
    struct turns turns = make_turns(c, e, latent, true);

    vae_mid_keys(&c->mid, e, y, first_conv(c, e, &turns, latent));
    exec_rewind(e, mark);
}
