/* unet_tables.c - what a U-Net makes of texts and timesteps before it sees a latent. */
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

const float *unet_layer_time(const struct unet_layer *l, const struct unet_input *input)
{
    return time_rows(l, input->times) + input->time * resblock_time_channels(&l->resblock.config);
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

void unet_time_forward(const struct unet *u, struct exec *e, struct tensor table, const double *timesteps)
{
    const size_t mark = exec_mark(e);
    struct tensor embedding = exec_tensor(e, table.n, 1, 1, u->config.time_channels);

    exec_stage(e, "times", -1);
    time_embedding_forward(&u->time, e, embedding, timesteps);
    for (size_t i = 0; i < u->count; i++) {
        const struct unet_layer *l = &u->layers[i];
        const size_t channels = resblock_time_channels(&l->resblock.config);

        resblock_time_forward(&l->resblock, e, (struct tensor){time_rows(l, table), table.n, 1, 1, channels},
                              embedding);
    }
    exec_rewind(e, mark);
}
