#include "vae/vae_config.h"

#include <string.h>

#include "base/config_reader.h"

/* Every entry of the list `key` must be `type`, and there must be as many as levels. */
static void check_blocks(struct config_reader *r, const char *key, const char *type, size_t levels)
{
    const struct ltd_json *list = ltd_json_get(r->json, key);

    if (!config_has(r, key))
        config_fail(r, LTD_EFORMAT, "%s is missing", key);
    else if (ltd_json_type(list) != LTD_JSON_ARRAY || ltd_json_size(list) != levels)
        config_fail(r, LTD_EFORMAT, "%s must have as many entries as block_out_channels, %zu", key, levels);
    for (const struct ltd_json *v = ltd_json_first(list); v; v = ltd_json_next(v)) {
        const char *text = ltd_json_string(v);

        if (!text || strcmp(text, type) != 0)
            config_fail(r, LTD_EUNSUPPORTED, "%s \"%.60s\" is not supported (known: %s)", key,
                        text ? text : "?", type);
    }
}

static void read_kl(struct config_reader *r, struct vae_config *c)
{
    size_t side[2] = {0, 0};

    c->levels = config_sizes(r, "block_out_channels", c->channels, VAE_MAX_LEVELS, 1, 64, 1, 1 << 14);
    check_blocks(r, "down_block_types", "DownEncoderBlock2D", c->levels);
    check_blocks(r, "up_block_types", "UpDecoderBlock2D", c->levels);
    c->layers = config_size(r, "layers_per_block", 1, 1, 32);
    c->groups = config_size(r, "norm_num_groups", 32, 1, 1 << 12);
    c->mid_attention = config_flag(r, "mid_block_add_attention", true);
    c->quant_conv = config_flag(r, "use_quant_conv", true);
    c->post_quant_conv = config_flag(r, "use_post_quant_conv", true);
    c->scaling_factor = config_real(r, "scaling_factor", 0.18215, 1e-6, 1e6);
    if (strcmp(config_text(r, "act_fn", "silu"), "swish") != 0) /* another name of it */
        config_refuse(r, "act_fn", "silu");
    config_refuse(r, "latents_mean", NULL);
    config_refuse(r, "latents_std", NULL);
    if (config_has(r, "sample_size") && config_sizes(r, "sample_size", side, 2, 2, 0, 1, 1 << 16) == 1)
        side[1] = side[0];
    c->sample_height = side[0];
    c->sample_width = side[1];
}

/* The levels of one half of an AutoencoderTiny, whose channels must all be equal: nothing stands between them
 * that would change their number. */
static void read_half(struct config_reader *r, const char *blocks, const char *channels,
                      struct tiny_half *half)
{
    size_t list[VAE_MAX_LEVELS], count;

    half->levels = config_sizes(r, blocks, half->blocks, VAE_MAX_LEVELS, 1, 3, 1, 64);
    count = config_sizes(r, channels, list, VAE_MAX_LEVELS, half->levels, 64, 1, 1 << 14);
    if (count != half->levels)
        config_fail(r, LTD_EFORMAT, "%s must have as many entries as %s, %zu", channels, blocks,
                    half->levels);
    for (size_t i = 1; i < count; i++)
        if (list[i] != list[0])
            config_fail(r, LTD_EUNSUPPORTED, "%s must have equal entries", channels);
    half->channels = count > 0 ? list[0] : 0;
}

static bool is_empty_list(const struct config_reader *r, const char *key)
{
    const struct ltd_json *value = ltd_json_get(r->json, key);

    return ltd_json_type(value) == LTD_JSON_ARRAY && ltd_json_size(value) == 0;
}

static void read_tiny(struct config_reader *r, struct vae_config *c)
{
    static const char encoder[] = "num_encoder_blocks", decoder[] = "num_decoder_blocks";

    c->tiny = true;
    for (int i = 0; i < 2; i++)
        if (!config_has(r, i ? decoder : encoder))
            config_fail(r, LTD_EFORMAT, "%s is missing", i ? decoder : encoder);
    read_half(r, decoder, "decoder_block_out_channels", &c->decoder);
    if (!is_empty_list(r, encoder))
        read_half(r, encoder, "encoder_block_out_channels", &c->encoder);
    c->levels = c->decoder.levels;
    if (vae_encodes(c) && c->encoder.levels != c->levels)
        config_fail(r, LTD_EFORMAT, "%s must have as many entries as %s, %zu", encoder, decoder, c->levels);
    config_size(r, "upsampling_scaling_factor", 2, 2, 2);
    config_refuse(r, "act_fn", "relu");
    config_refuse(r, "upsample_fn", "nearest");
    c->scaling_factor = config_real(r, "scaling_factor", 1, 1e-6, 1e6);
}

enum ltd_status vae_config_parse(const struct ltd_json *json, const char *file, struct vae_config *out,
                                 struct ltd_error *err)
{
    struct vae_config c = {0};
    struct config_reader r = {.json = json, .file = file, .err = err};
    const char *class = config_text(&r, "_class_name", "AutoencoderKL");

    c.image_channels = config_size(&r, "in_channels", 3, 3, 3);
    config_size(&r, "out_channels", 3, 3, 3);
    c.latent_channels = config_size(&r, "latent_channels", 4, 1, 256);
    if (strcmp(class, "AutoencoderTiny") == 0)
        read_tiny(&r, &c);
    else if (strcmp(class, "AutoencoderKL") == 0)
        read_kl(&r, &c);
    else
        config_fail(&r, LTD_EUNSUPPORTED,
                    "_class_name \"%.60s\" is not supported (known: AutoencoderKL, AutoencoderTiny)", class);
    if (r.status == LTD_OK)
        *out = c;
    return r.status;
}

enum ltd_status vae_config_read(const char *path, struct vae_config *out, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    enum ltd_status st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);

    if (st == LTD_OK)
        st = vae_config_parse(json, path, out, err);
    ltd_json_free(json);
    return st;
}
