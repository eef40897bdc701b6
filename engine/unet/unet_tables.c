/* unet_tables.c - what a U-Net makes of texts and timesteps before it sees a latent. */
#include "kernels/elementwise.h"
#include "unet/unet_network.h"

size_t unet_text_channels(const struct unet *u)
{
    return u->text_channels;
}

size_t unet_time_channels(const struct unet *u)
{
    return u->time_channels;
}

struct text_table unet_layer_text(const struct unet_layer *l, const struct unet_input *input)
{
    const struct text_table table = {input->texts.data, input->texts.n, input->texts.h, input->text};

    return text_table_from(table, l->text_at);
}

/* Each layer's part of the table of times is a table [n, channels]. */
static float *time_rows(const struct unet_layer *l, struct tensor table)
{
    return table.data + table.n * l->time_at;
}

struct tensor unet_layer_time(const struct unet_layer *l, const struct unet_input *input, size_t items)
{
    const size_t channels = resblock_time_channels(&l->resblock.config);

    return (struct tensor){time_rows(l, input->times) + input->time * channels, items, 1, 1, channels};
}

void unet_text_forward(const struct unet *u, struct exec *e, struct tensor table, struct tensor context)
{
    const struct unet_input input = {.texts = table};

    exec_stage(e, "texts", -1);
    for (size_t i = 0; i < u->count; i++)
        if (u->layers[i].attends)
            spatial_transformer_text(&u->layers[i].transformer, e, unet_layer_text(&u->layers[i], &input),
                                     context);
}

size_t unet_size_count(const struct unet *u, size_t pooled_channels)
{
    const struct unet_config *c = &u->config;

    return c->added_channels > pooled_channels
               ? (c->added_channels - pooled_channels) / c->added_size_channels
               : 0;
}

void unet_added_forward(const struct unet *u, struct exec *e, struct tensor y, struct tensor pooled,
                        const double *sizes)
{
    const size_t mark = exec_mark(e), count = unet_size_count(u, pooled.c), c = u->config.added_size_channels;
    struct tensor waves = exec_tensor(e, y.n * count, 1, 1, c);
    struct tensor all = exec_tensor(e, y.n, 1, 1, u->config.added_channels);

    exec_stage(e, "times", -1);
    sinusoids(&u->sinusoids, e, waves, sizes);
    concat_channels(e, all, pooled, (struct tensor){waves.data, y.n, 1, 1, count * c});
    embedding_layers_forward(&u->added, e, y, all);
    exec_rewind(e, mark);
}

/* x [n, 1, 1, c] += guidance(sinusoids(1000 (scale - 1))), as distilled networks are told the guidance that
 * they stand in for (Luo et al. 2023, "LCM"; diffusers: get_guidance_scale_embedding) */
static void add_guidance(const struct unet *u, struct exec *e, struct tensor x, double scale)
{
    static const struct sinusoid_config sines_first = {.flip_sin_to_cos = false, .frequency_shift = 1};
    const size_t mark = exec_mark(e);
    const double value = (scale - 1) * 1000;
    struct tensor waves = exec_tensor(e, 1, 1, 1, u->config.guidance_channels);
    struct tensor v = exec_tensor(e, 1, 1, 1, x.c);

    sinusoids(&sines_first, e, waves, &value);
    linear_forward(&u->guidance, e, v, waves);
    add_per_channel(e, x, v);
    exec_rewind(e, mark);
}

/* silu(time(sinusoids(timesteps)) + added): every reader of the embedding begins with that silu. */
static void embed_times(const struct unet *u, struct exec *e, struct tensor y, const struct unet_times *times)
{
    const size_t mark = exec_mark(e);
    struct tensor x = exec_tensor(e, y.n, 1, 1, u->config.level[0].channels);

    sinusoids(&u->sinusoids, e, x, times->timesteps);
    if (u->config.guidance_channels > 0)
        add_guidance(u, e, x, times->guidance);
    embedding_layers_forward(&u->time, e, y, x);
    if (u->config.added_channels > 0)
        add_per_channel(e, y, times->added);
    activate(e, y, y, ACTIVATION_SILU);
    exec_rewind(e, mark);
}

void unet_time_forward(const struct unet *u, struct exec *e, struct tensor table,
                       const struct unet_times *times)
{
    const size_t mark = exec_mark(e);
    struct tensor embedding = exec_tensor(e, table.n, 1, 1, u->config.time_channels);

    exec_stage(e, "times", -1);
    embed_times(u, e, embedding, times);
    for (size_t i = 0; i < u->count; i++) {
        const struct unet_layer *l = &u->layers[i];
        const size_t channels = resblock_time_channels(&l->resblock.config);

        resblock_time_forward(&l->resblock, e, (struct tensor){time_rows(l, table), table.n, 1, 1, channels},
                              embedding);
    }
    exec_rewind(e, mark);
}
