#include "weights/compvis.h"

#include <stdio.h>
#include <string.h>

#define TEXT "cond_stage_model.transformer."
#define UNET "model.diffusion_model."
#define VAE  "first_stage_model."

#define MAX_BLOCKS 1000

/* A piece that names begin with, and what diffusers has in its place. */
struct piece {
    const char *from, *to;
};

static const struct piece unet_ends[] = {
    {"input_blocks.0.0.", "conv_in."},
    {"time_embed.0.", "time_embedding.linear_1."},
    {"time_embed.2.", "time_embedding.linear_2."},
    {"out.0.", "conv_norm_out."},
    {"out.2.", "conv_out."},
    {NULL, NULL},
};

static const struct piece unet_resblock[] = {
    {"in_layers.0.", "norm1."},
    {"in_layers.2.", "conv1."},
    {"emb_layers.1.", "time_emb_proj."},
    {"out_layers.0.", "norm2."},
    {"out_layers.3.", "conv2."},
    {"skip_connection.", "conv_shortcut."},
    {NULL, NULL},
};

/* Inside the encoder and the decoder. */
static const struct piece vae_ends[] = {
    {"conv_in.", "conv_in."},
    {"norm_out.", "conv_norm_out."},
    {"conv_out.", "conv_out."},
    {"mid.attn_1.norm.", "mid_block.attentions.0.group_norm."},
    {"mid.attn_1.q.", "mid_block.attentions.0.to_q."},
    {"mid.attn_1.k.", "mid_block.attentions.0.to_k."},
    {"mid.attn_1.v.", "mid_block.attentions.0.to_v."},
    {"mid.attn_1.proj_out.", "mid_block.attentions.0.to_out.0."},
    {"mid.block_1.", "mid_block.resnets.0."},
    {"mid.block_2.", "mid_block.resnets.1."},
    {NULL, NULL},
};

/* Tensors that only other architectures have. */
static const struct {
    const char *name, *what;
} others[] = {
    {"cond_stage_model.model.ln_final.weight", "Stable Diffusion 2"},
    {"conditioner.embedders.1.model.ln_final.weight", "Stable Diffusion XL"},
    {"conditioner.embedders.0.model.ln_final.weight", "the refiner of Stable Diffusion XL"},
    {"model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3"},
    {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "Flux"},
    {"double_blocks.0.img_attn.qkv.weight", "Flux"},
    {"control_model.input_hint_block.0.weight", "a ControlNet"},
};

/* What follows `prefix` in name; NULL when it does not begin so. */
static const char *behind(const char *name, const char *prefix)
{
    const size_t length = strlen(prefix);

    return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

/* The number that ends in a dot where *name begins, which is moved behind it. */
static bool take_number(const char **name, size_t *out)
{
    const char *c = *name;
    size_t number = 0;

    while (*c >= '0' && *c <= '9' && number < MAX_BLOCKS)
        number = 10 * number + (size_t)(*c++ - '0');
    if (c == *name || *c != '.')
        return false;
    *name = c + 1;
    *out = number;
    return true;
}

/* base, and rest with its piece replaced; false when no piece fits. */
static bool replace(char *out, const char *base, const char *rest, const struct piece *pieces)
{
    for (; pieces->from; pieces++) {
        const char *tail = behind(rest, pieces->from);

        if (tail)
            return snprintf(out, WEIGHT_NAME_ROOM, "%s%s%s", base, pieces->to, tail) < WEIGHT_NAME_ROOM;
    }
    return false;
}

static bool append(char *out, const char *base, const char *rest)
{
    return snprintf(out, WEIGHT_NAME_ROOM, "%s%s", base, rest) < WEIGHT_NAME_ROOM;
}

/* A block's first module is its resblock, the second the transformer; behind them, or in place of them, it
 * resamples. */
static bool block_name(const struct compvis_layout *l, const char *rest, bool down, char *out)
{
    char base[64];
    const char *tail;
    size_t block, module, level, layer;

    if (!take_number(&rest, &block) || !take_number(&rest, &module) || (down && block == 0))
        return false;
    block -= down ? 1 : 0;
    level = block / (l->unet_layers + 1);
    layer = block % (l->unet_layers + 1);
    tail = behind(rest, down ? "op." : "conv.");
    if (tail) {
        snprintf(base, sizeof base,
                 down ? "down_blocks.%zu.downsamplers.0.conv." : "up_blocks.%zu.upsamplers.0.conv.", level);
        return layer == l->unet_layers && append(out, base, tail);
    }
    snprintf(base, sizeof base, "%s_blocks.%zu.%s.%zu.", down ? "down" : "up", level,
             module == 0 ? "resnets" : "attentions", layer);
    if (module == 0)
        return replace(out, base, rest, unet_resblock);
    return module == 1 && append(out, base, rest);
}

static bool middle_name(const char *rest, char *out)
{
    size_t module;

    if (!take_number(&rest, &module))
        return false;
    if (module == 1)
        return append(out, "mid_block.attentions.0.", rest);
    return module <= 2 &&
           replace(out, module == 0 ? "mid_block.resnets.0." : "mid_block.resnets.1.", rest, unet_resblock);
}

bool compvis_unet_name(const void *layout, const char *name, char out[WEIGHT_NAME_ROOM])
{
    const char *rest = behind(name, UNET), *tail;
    bool known;

    if (!rest)
        return false;
    if (replace(out, "", rest, unet_ends))
        return true;
    if ((tail = behind(rest, "middle_block.")))
        known = middle_name(tail, out);
    else if ((tail = behind(rest, "input_blocks.")))
        known = block_name(layout, tail, true, out);
    else
        known = (tail = behind(rest, "output_blocks.")) && block_name(layout, tail, false, out);
    return known || append(out, "", name);
}

/* down.LEVEL.block.LAYER., down.LEVEL.downsample. and their likes of the way up, which counts from the end.
 */
static bool level_name(const struct compvis_layout *l, const char *half, const char *rest, bool down,
                       char *out)
{
    char base[80];
    const char *tail;
    size_t level, layer;

    if (!take_number(&rest, &level) || level >= l->vae_levels)
        return false;
    if (!down)
        level = l->vae_levels - 1 - level;
    if ((tail = behind(rest, down ? "downsample." : "upsample."))) {
        snprintf(base, sizeof base, "%s%s_blocks.%zu.%ssamplers.0.", half, down ? "down" : "up", level,
                 down ? "down" : "up");
        return append(out, base, tail);
    }
    rest = behind(rest, "block.");
    if (!rest || !take_number(&rest, &layer))
        return false;
    snprintf(base, sizeof base, "%s%s_blocks.%zu.resnets.%zu.", half, down ? "down" : "up", level, layer);
    tail = behind(rest, "nin_shortcut.");
    if (tail)
        return snprintf(out, WEIGHT_NAME_ROOM, "%sconv_shortcut.%s", base, tail) < WEIGHT_NAME_ROOM;
    return append(out, base, rest);
}

bool compvis_vae_name(const void *layout, const char *name, char out[WEIGHT_NAME_ROOM])
{
    const char *rest = behind(name, VAE), *half, *tail;

    if (!rest)
        return false;
    if (behind(rest, "quant_conv.") || behind(rest, "post_quant_conv."))
        return append(out, "", rest);
    half = behind(rest, "encoder.") ? "encoder." : "decoder.";
    tail = behind(rest, half);
    if (tail) {
        const char *down = behind(tail, "down."), *up = behind(tail, "up.");

        if (replace(out, half, tail, vae_ends) || (down && level_name(layout, half, down, true, out)) ||
            (up && level_name(layout, half, up, false, out)))
            return true;
    }
    return append(out, "", name);
}

bool compvis_text_name(const void *layout, const char *name, char out[WEIGHT_NAME_ROOM])
{
    const char *rest = behind(name, TEXT);

    (void)layout;
    /* 0, 1, 2, ...: some files hold it as floats */
    return rest && !strstr(rest, "embeddings.position_ids") && append(out, "", rest);
}

bool compvis_has_average(const struct weight_set *file)
{
    for (size_t i = 0; i < weight_set_count(file); i++)
        if (behind(weight_set_at(file, i)->name, "model_ema."))
            return true;
    return false;
}

/* Is there a tensor whose name begins with prefix, number and a dot?  The names are sorted. */
static bool has(const struct weight_set *file, const char *prefix, size_t number)
{
    char name[128];
    size_t low = 0, high = weight_set_count(file);

    snprintf(name, sizeof name, "%s%zu.", prefix, number);
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const char *at = weight_set_at(file, mid)->name;

        if (behind(at, name))
            return true;
        if (strcmp(at, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

/* How many of prefix0., prefix1., ... there are. */
static size_t count_numbered(const struct weight_set *file, const char *prefix)
{
    size_t count = 0;

    while (count < MAX_BLOCKS && has(file, prefix, count))
        count++;
    return count;
}

static enum ltd_status read_unet(const struct weight_set *file, const char *path, struct compvis_layout *out,
                                 struct ltd_error *err)
{
    const size_t blocks = count_numbered(file, UNET "input_blocks.");
    size_t levels = 1;

    for (size_t i = 1; i < blocks; i++) {
        char name[128];

        snprintf(name, sizeof name, UNET "input_blocks.%zu.0.op.weight", i);
        levels += weight_set_find(file, name) != NULL;
    }
    /* One block is the first convolution, and each level but the last ends in one that halves the size. */
    if (levels > COMPVIS_MAX_LEVELS || blocks < 2 * levels || blocks % levels != 0)
        return ltd_fail(err, LTD_EFORMAT,
                        "%s: " UNET
                        "input_blocks: %zu blocks, of which %zu resample, make no levels of equal depth",
                        path, blocks, levels - 1);
    out->unet_levels = levels;
    out->unet_layers = blocks / levels - 1;
    return LTD_OK;
}

enum ltd_status compvis_layout_read(const struct weight_set *file, const char *path,
                                    struct compvis_layout *out, struct ltd_error *err)
{
    enum ltd_status st;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (weight_set_find(file, others[i].name))
            return ltd_fail(err, LTD_EUNSUPPORTED,
                            "%s: tensor \"%s\" tells of %s, which is not read from one file", path,
                            others[i].name, others[i].what);
    if (!weight_set_find(file, UNET "input_blocks.0.0.weight"))
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "%s: an unknown architecture: tensor \"" UNET
            "input_blocks.0.0.weight\" is missing, with which a Stable Diffusion 1 checkpoint begins",
            path);
    st = read_unet(file, path, out, err);
    if (st != LTD_OK)
        return st;
    out->vae_levels = count_numbered(file, VAE "encoder.down.");
    out->vae_layers = count_numbered(file, VAE "encoder.down.0.block.");
    if (out->vae_levels == 0 || out->vae_levels > COMPVIS_MAX_LEVELS || out->vae_layers == 0)
        return ltd_fail(err, LTD_EFORMAT, "%s: " VAE "encoder: %zu levels of %zu blocks are no VAE", path,
                        out->vae_levels, out->vae_layers);
    return LTD_OK;
}
