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

enum ltd_status vae_config_parse(const struct ltd_json *json, const char *file, struct vae_config *out,
                                 struct ltd_error *err)
{
    struct vae_config c = {0};
    struct config_reader r = {.json = json, .file = file, .err = err};
    size_t side[2] = {0, 0};

    c.image_channels = config_size(&r, "in_channels", 3, 3, 3);
    config_size(&r, "out_channels", 3, 3, 3);
    c.latent_channels = config_size(&r, "latent_channels", 4, 1, 256);
    c.levels = config_sizes(&r, "block_out_channels", c.channels, VAE_MAX_LEVELS, 1, 64, 1, 1 << 14);
    check_blocks(&r, "down_block_types", "DownEncoderBlock2D", c.levels);
    check_blocks(&r, "up_block_types", "UpDecoderBlock2D", c.levels);
    c.layers = config_size(&r, "layers_per_block", 1, 1, 32);
    c.groups = config_size(&r, "norm_num_groups", 32, 1, 1 << 12);
    c.mid_attention = config_flag(&r, "mid_block_add_attention", true);
    c.quant_conv = config_flag(&r, "use_quant_conv", true);
    c.post_quant_conv = config_flag(&r, "use_post_quant_conv", true);
    c.scaling_factor = config_real(&r, "scaling_factor", 0.18215, 1e-6, 1e6);
    config_refuse(&r, "_class_name", "AutoencoderKL");
    if (strcmp(config_text(&r, "act_fn", "silu"), "swish") != 0) /* another name of it */
        config_refuse(&r, "act_fn", "silu");
    config_refuse(&r, "latents_mean", NULL);
    config_refuse(&r, "latents_std", NULL);
    if (config_has(&r, "sample_size") && config_sizes(&r, "sample_size", side, 2, 2, 0, 1, 1 << 16) == 1)
        side[1] = side[0];
    c.sample_height = side[0];
    c.sample_width = side[1];
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
