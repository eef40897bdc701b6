#include "pipeline/vae_told.h"

#include <stdio.h>

#include "vae/vae_config.h"
#include "weights/compvis.h"

struct telling {
    const struct weight_set *set;
    const char *path;
    struct ltd_json *config;
    enum ltd_status status;
    struct ltd_error *err;
};

/* Size `dim` of a kernel; 0 after an error. */
static size_t size_of(struct telling *t, const char *name, int dim)
{
    return weight_set_size(t->set, t->path, name, 4, dim, &t->status, t->err);
}

static void add_size(struct telling *t, const char *key, size_t size)
{
    ltd_json_add(t->config, key, ltd_json_new_uint64(size));
}

static void tell_kl(struct telling *t, double scaling_factor)
{
    const size_t levels = compvis_count(t->set, "encoder.down_blocks.");
    struct ltd_json *channels = ltd_json_new_array(), *down = ltd_json_new_array(),
                    *up = ltd_json_new_array();

    add_size(t, "latent_channels", size_of(t, "decoder.conv_in.weight", 1));
    add_size(t, "layers_per_block", compvis_count(t->set, "encoder.down_blocks.0.resnets."));
    ltd_json_add(t->config, "scaling_factor", ltd_json_new_number(scaling_factor));
    for (size_t i = 0; i < levels; i++) {
        char name[WEIGHT_NAME_ROOM];

        snprintf(name, sizeof name, "encoder.down_blocks.%zu.resnets.0.conv2.weight", i);
        ltd_json_append(channels, ltd_json_new_uint64(size_of(t, name, 0)));
        ltd_json_append(down, ltd_json_new_string("DownEncoderBlock2D"));
        ltd_json_append(up, ltd_json_new_string("UpDecoderBlock2D"));
    }
    ltd_json_add(t->config, "block_out_channels", channels);
    ltd_json_add(t->config, "down_block_types", down);
    ltd_json_add(t->config, "up_block_types", up);
}

static bool has_layer(const struct telling *t, const char *half, size_t layer, const char *rest)
{
    char name[WEIGHT_NAME_ROOM];

    snprintf(name, sizeof name, "%s.layers.%zu.%s", half, layer, rest);
    return weight_set_find(t->set, name) != NULL;
}

/* How many blocks each level has, from the number of its first layer on.  A convolution ends a level, which
 * follows the blocks at once or, on the way up, behind an upsampling; it has a bias where it is the last. */
static void tell_blocks(struct telling *t, const char *half, size_t layer, const char *key)
{
    struct ltd_json *blocks = ltd_json_new_array();
    char name[WEIGHT_NAME_ROOM];
    bool more = true;

    while (more) {
        size_t count = 0;

        while (has_layer(t, half, layer + count, "conv.0.weight"))
            count++;
        layer += count;
        layer += !has_layer(t, half, layer, "weight");
        snprintf(name, sizeof name, "%s.layers.%zu.weight", half, layer);
        more = size_of(t, name, 0) > 0 && !has_layer(t, half, layer, "bias");
        layer++;
        ltd_json_append(blocks, ltd_json_new_uint64(count));
    }
    ltd_json_add(t->config, key, blocks);
}

static void tell_tiny(struct telling *t)
{
    add_size(t, "latent_channels", size_of(t, "decoder.layers.0.weight", 1));
    ltd_json_add(t->config, "_class_name", ltd_json_new_string("AutoencoderTiny"));
    tell_blocks(t, "decoder", 2, "num_decoder_blocks");
    add_size(t, "decoder_block_out_channels", size_of(t, "decoder.layers.0.weight", 0));
    if (compvis_count(t->set, "encoder.layers.") == 0) {
        ltd_json_add(t->config, "num_encoder_blocks", ltd_json_new_array());
        return;
    }
    tell_blocks(t, "encoder", 1, "num_encoder_blocks");
    add_size(t, "encoder_block_out_channels", size_of(t, "encoder.layers.0.weight", 0));
}

enum ltd_status vae_told_config(const struct weight_set *set, const char *path, double scaling_factor,
                                struct ltd_json **out, struct ltd_error *err)
{
    struct telling t = {.set = set, .path = path, .config = ltd_json_new_object(), .err = err};

    if (weight_set_find(set, "decoder.layers.0.weight"))
        tell_tiny(&t);
    else
        tell_kl(&t, scaling_factor);
    if (t.status == LTD_OK && !t.config)
        t.status = ltd_fail(err, LTD_ENOMEM, "%s: no memory for the VAE", path);
    if (t.status == LTD_OK)
        *out = t.config;
    else
        ltd_json_free(t.config);
    return t.status;
}
