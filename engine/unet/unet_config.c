#include "unet/unet_config.h"

#include <stdint.h>
#include <string.h>

#include "base/config_reader.h"

/* Keys that change the network, and that no Stable Diffusion 1.x or 2.x sets, with the text that means "as
 * usual". */
static const struct {
    const char *key, *neutral;
} refused[] = {
    {"addition_embed_type", "text_time"},
    {"attention_type", "default"},
    {"class_embed_type", NULL},
    {"class_embeddings_concat", NULL},
    {"cross_attention_norm", NULL},
    {"dual_cross_attention", NULL},
    {"encoder_hid_dim_type", NULL},
    {"encoder_hid_dim", NULL},
    {"num_attention_heads", NULL},
    {"num_class_embeds", NULL},
    {"time_embedding_act_fn", NULL},
    {"timestep_post_act", NULL},
    {"time_embedding_type", "positional"},
    {"resnet_skip_time_act", NULL},
};

/* The text at index i of the list `key`; "" if there is none. */
static const char *block_type(struct config_reader *r, const char *key, size_t i)
{
    const struct ltd_json *v = ltd_json_first(ltd_json_get(r->json, key));

    while (v && i-- > 0)
        v = ltd_json_next(v);
    return ltd_json_string(v) ? ltd_json_string(v) : "";
}

/* Does block i of the list `key` have attention?  Knows the two types that Stable Diffusion is made of. */
static bool block_attends(struct config_reader *r, const char *key, size_t i, const char *plain,
                          const char *cross, bool absent)
{
    const char *type = block_type(r, key, i);

    if (!config_has(r, key))
        return absent;
    if (strcmp(type, cross) == 0)
        return true;
    if (strcmp(type, plain) != 0)
        config_fail(r, LTD_EUNSUPPORTED, "%s \"%.60s\" is not supported (known: %s, %s)", key, type, plain,
                    cross);
    return false;
}

static void check_count(struct config_reader *r, const char *key, size_t got, size_t want)
{
    if (got != want)
        config_fail(r, LTD_EFORMAT, "%s has %zu entries, but block_out_channels has %zu", key, got, want);
}

/* whole: there is a way up, too. */
static void read_levels(struct config_reader *r, bool whole, struct unet_config *c)
{
    static const size_t sd_channels[] = {320, 640, 1280, 1280};
    size_t channels[UNET_MAX_LEVELS], layers[UNET_MAX_LEVELS], heads[UNET_MAX_LEVELS];
    bool only_cross[UNET_MAX_LEVELS] = {false};
    size_t n = 4;

    memcpy(channels, sd_channels, sizeof sd_channels);
    if (config_has(r, "block_out_channels"))
        n = config_sizes(r, "block_out_channels", channels, UNET_MAX_LEVELS, 1, 0, 1, 1 << 16);
    if (config_has(r, "down_block_types"))
        check_count(r, "down_block_types", ltd_json_size(ltd_json_get(r->json, "down_block_types")), n);
    if (config_has(r, "up_block_types"))
        check_count(r, "up_block_types", ltd_json_size(ltd_json_get(r->json, "up_block_types")), n);
    check_count(r, "layers_per_block",
                config_sizes(r, "layers_per_block", layers, UNET_MAX_LEVELS, n, 2, 1, UNET_MAX_LAYERS), n);
    /* The key's name is a slip of the reference that its models have kept: it holds the number of heads. */
    check_count(r, "attention_head_dim",
                config_sizes(r, "attention_head_dim", heads, UNET_MAX_LEVELS, n, 8, 1, 1 << 12), n);
    config_flags(r, "only_cross_attention", only_cross, n, false);
    if (r->status != LTD_OK)
        return;
    c->levels = n;
    for (size_t i = 0; i < n; i++)
        c->level[i] = (struct unet_level){
            .channels = channels[i],
            .layers = layers[i],
            .heads = heads[i],
            .only_cross_attention = only_cross[i],
            .attention_down =
                block_attends(r, "down_block_types", i, "DownBlock2D", "CrossAttnDownBlock2D", i + 1 < n),
            .attention_up = whole && block_attends(r, "up_block_types", n - 1 - i, "UpBlock2D",
                                                   "CrossAttnUpBlock2D", i + 1 < n),
        };
}

/* What a list of levels says of level i; one number counts for all. */
static const struct ltd_json *level_at(const struct ltd_json *levels, size_t i)
{
    const struct ltd_json *v = ltd_json_type(levels) == LTD_JSON_ARRAY ? ltd_json_first(levels) : levels;

    while (v != levels && i-- > 0)
        v = ltd_json_next(v);
    return v;
}

/* The transformer blocks of a level's layers: one number for all, or a list with one for each.  Where there
 * is no attention they count for nothing, and some configs say 0. */
static void read_depths(struct config_reader *r, const char *key, const struct ltd_json *level, bool attends,
                        size_t *depth, size_t layers)
{
    const bool each = ltd_json_type(level) == LTD_JSON_ARRAY;
    const struct ltd_json *v = each ? ltd_json_first(level) : level;

    if (each && ltd_json_size(level) < layers)
        config_fail(r, LTD_EFORMAT, "%s has a level with %zu entries for %zu layers", key,
                    ltd_json_size(level), layers);
    for (size_t i = 0; i < layers && r->status == LTD_OK; i++) {
        depth[i] = 1;
        if (v)
            config_size_at(r, key, v, attends ? 1 : 0, 64, &depth[i]);
        v = each ? ltd_json_next(v) : v;
    }
}

static bool has_lists(const struct ltd_json *levels)
{
    for (const struct ltd_json *v = ltd_json_first(levels); v; v = ltd_json_next(v))
        if (ltd_json_type(v) == LTD_JSON_ARRAY)
            return true;
    return false;
}

/* After the levels and the middle: how deep transformers are.  The way up has the levels' own numbers, last
 * first, or, as it must where these differ from layer to layer, a list of its own. */
static void read_transformers(struct config_reader *r, bool whole, struct unet_config *c)
{
    static const char key[] = "transformer_layers_per_block",
                      up_key[] = "reverse_transformer_layers_per_block";
    const bool own = config_has(r, up_key);
    const struct ltd_json *down = config_has(r, key) ? ltd_json_get(r->json, key) : NULL;
    const struct ltd_json *up = own ? ltd_json_get(r->json, up_key) : down;

    if (ltd_json_type(down) == LTD_JSON_ARRAY)
        check_count(r, key, ltd_json_size(down), c->levels);
    if (own)
        check_count(r, up_key, ltd_json_size(up), c->levels);
    else if (whole && has_lists(down))
        config_fail(r, LTD_EFORMAT, "%s has lists in it, which need a %s", key, up_key);
    for (size_t i = 0; i < c->levels && r->status == LTD_OK; i++) {
        struct unet_level *level = &c->level[i];

        read_depths(r, key, level_at(down, i), level->attention_down, level->depth_down, level->layers);
        if (whole)
            read_depths(r, own ? up_key : key, level_at(up, own ? c->levels - 1 - i : i), level->attention_up,
                        level->depth_up, level->layers + 1);
    }
    if (r->status == LTD_OK)
        read_depths(r, key, level_at(down, c->levels - 1), c->mid == UNET_MID_CROSS_ATTENTION, &c->mid_depth,
                    1);
}

static void read_mid(struct config_reader *r, struct unet_config *c)
{
    const struct ltd_json *json = ltd_json_get(r->json, "mid_block_type");
    const char *type = ltd_json_string(json);

    c->mid_output_scale = config_real(r, "mid_block_scale_factor", 1, 1e-6, 1e6);
    if (!json || (type && strcmp(type, "UNetMidBlock2DCrossAttn") == 0))
        c->mid = UNET_MID_CROSS_ATTENTION;
    else if (ltd_json_type(json) == LTD_JSON_NULL)
        c->mid = UNET_MID_NONE;
    else if (type && strcmp(type, "UNetMidBlock2D") == 0)
        c->mid = UNET_MID_PLAIN;
    else
        config_refuse(r, "mid_block_type", NULL);
}

static void read_sample_size(struct config_reader *r, struct unet_config *c)
{
    size_t side[2] = {0, 0};

    if (config_has(r, "sample_size") && config_sizes(r, "sample_size", side, 2, 2, 0, 1, 1 << 16) == 1)
        side[1] = side[0];
    c->sample_height = side[0];
    c->sample_width = side[1];
}

static void read_time(struct config_reader *r, struct unet_config *c)
{
    const char *use = config_text(r, "resnet_time_scale_shift", "default");

    c->time_channels = config_size(r, "time_embedding_dim", 4 * c->level[0].channels, 1, 1 << 18);
    c->flip_sin_to_cos = config_flag(r, "flip_sin_to_cos", true);
    c->frequency_shift = config_real(r, "freq_shift", 0, 0, 1);
    c->time_scale_shift = strcmp(use, "scale_shift") == 0;
    if (!c->time_scale_shift)
        config_refuse(r, "resnet_time_scale_shift", "default");
    c->guidance_channels = config_size(r, "time_cond_proj_dim", 0, 2, 1 << 12);
}

/* What Stable Diffusion XL adds to the time embedding; the keys have no default that would do. */
static void read_added(struct config_reader *r, struct unet_config *c)
{
    if (!config_has(r, "addition_embed_type"))
        return;
    c->added_size_channels = config_size(r, "addition_time_embed_dim", 0, 2, 1 << 12);
    c->added_channels = config_size(r, "projection_class_embeddings_input_dim", 0, 1, 1 << 16);
    if (c->added_size_channels == 0 || c->added_channels <= c->added_size_channels)
        config_fail(r, LTD_EFORMAT,
                    "addition_embed_type \"text_time\" needs addition_time_embed_dim and a "
                    "projection_class_embeddings_input_dim above it");
}

static void read_rest(struct config_reader *r, const char *class_name, struct unet_config *c)
{
    const char *act = config_text(r, "act_fn", "silu");

    config_refuse(r, "_class_name", class_name);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        config_refuse(r, refused[i].key, refused[i].neutral);
    if (strcmp(act, "swish") != 0)
        config_refuse(r, "act_fn", "silu");
    if (ltd_json_type(ltd_json_get(r->json, "cross_attention_dim")) == LTD_JSON_ARRAY)
        config_refuse(r, "cross_attention_dim", NULL);
    c->in_channels = config_size(r, "in_channels", 4, 1, 1 << 10);
    c->out_channels = config_size(r, "out_channels", 4, 1, 1 << 10);
    c->context_channels = config_size(r, "cross_attention_dim", 1280, 1, 1 << 16);
    c->groups = config_size(r, "norm_num_groups", 32, 1, 1 << 12);
    c->norm_eps = config_real(r, "norm_eps", 1e-5, 0, 1);
    c->conv_in_kernel = config_size(r, "conv_in_kernel", 3, 1, 15);
    c->conv_out_kernel = config_size(r, "conv_out_kernel", 3, 1, 15);
    if (c->conv_in_kernel % 2 == 0 || c->conv_out_kernel % 2 == 0)
        config_fail(r, LTD_EUNSUPPORTED, "an even conv_in_kernel or conv_out_kernel is not supported");
    c->downsample_padding = config_size(r, "downsample_padding", 1, 0, 1);
    c->center_input = config_flag(r, "center_input_sample", false);
}

enum ltd_status unet_config_parse(const struct ltd_json *json, const char *file, const char *class_name,
                                  struct unet_config *out, struct ltd_error *err)
{
    struct unet_config c = {0};
    struct config_reader r = {.json = json, .file = file, .err = err};
    const bool whole = strcmp(class_name, UNET_CLASS) == 0;

    read_levels(&r, whole, &c);
    read_mid(&r, &c);
    read_transformers(&r, whole, &c);
    read_sample_size(&r, &c);
    read_time(&r, &c);
    read_added(&r, &c);
    read_rest(&r, class_name, &c);
    if (r.status == LTD_OK)
        *out = c;
    return r.status;
}

enum ltd_status unet_config_read(const char *path, struct unet_config *out, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    enum ltd_status st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);

    if (st == LTD_OK)
        st = unet_config_parse(json, path, UNET_CLASS, out, err);
    ltd_json_free(json);
    return st;
}
