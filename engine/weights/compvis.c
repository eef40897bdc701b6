#include "weights/compvis.h"

#include <stdio.h>
#include <string.h>

#include "weights/name_pieces.h"
#include "weights/openclip.h"

/* Of OpenCLIP's ViT-H, which Stable Diffusion 2 is told its text by. */
#define OPENCLIP_H_LAYERS 24
/* The narrowest that a Stable Diffusion has of OpenCLIP's; CLIP's has 768. */
#define OPENCLIP_CHANNELS 1024

/* Inside the encoder and the decoder. */
static const struct name_piece vae_ends[] = {
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

/* How each family names its text encoders. */
static const struct {
    enum compvis_family family;
    struct compvis_text text[COMPVIS_MAX_TEXTS];
} families[] = {
    {COMPVIS_XL,
     {{.prefix = "conditioner.embedders.0.transformer."},
      {.prefix = "conditioner.embedders.1.model.", .openclip = true}}},
    /* As stable-diffusion.cpp names them when it is asked to; is_openclips tells the others that it names so.
     */
    {COMPVIS_XL,
     {{.prefix = "cond_stage_model.transformer."},
      {.prefix = "cond_stage_model.1.transformer.", .openclip = true}}},
    {COMPVIS_REFINER, {{.prefix = "conditioner.embedders.0.model.", .openclip = true}}},
    {COMPVIS_SD2, {{.prefix = "cond_stage_model.model.", .openclip = true}}},
    {COMPVIS_SD1, {{.prefix = "cond_stage_model.transformer."}}},
};

enum { FAMILIES = sizeof families / sizeof *families };

/* Tensors that only other architectures have. */
static const struct {
    const char *name, *what;
} others[] = {
    {"model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3"},
    {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "Flux"},
    {"double_blocks.0.img_attn.qkv.weight", "Flux"},
    {"control_model.input_hint_block.0.weight", "a ControlNet"},
    {"edm_mean", "a model of EDM's own noise"},
    {"edm_vpred.sigma_max", "a model of EDM's own noise"},
};

/* down.LEVEL.block.LAYER., down.LEVEL.downsample. and their likes of the way up, which counts from the end.
 */
static bool level_name(const struct compvis_vae *v, const char *half, const char *rest, bool down, char *out)
{
    char base[80];
    const char *tail;
    size_t level, layer;

    if (!name_take_number(&rest, &level) || level >= v->levels)
        return false;
    if (!down)
        level = v->levels - 1 - level;
    if ((tail = name_behind(rest, down ? "downsample." : "upsample."))) {
        snprintf(base, sizeof base, "%s%s_blocks.%zu.%ssamplers.0.", half, down ? "down" : "up", level,
                 down ? "down" : "up");
        return name_append(out, base, tail);
    }
    rest = name_behind(rest, "block.");
    if (!rest || !name_take_number(&rest, &layer))
        return false;
    snprintf(base, sizeof base, "%s%s_blocks.%zu.resnets.%zu.", half, down ? "down" : "up", level, layer);
    tail = name_behind(rest, "nin_shortcut.");
    if (tail)
        return snprintf(out, WEIGHT_NAME_ROOM, "%sconv_shortcut.%s", base, tail) < WEIGHT_NAME_ROOM;
    return name_append(out, base, rest);
}

bool compvis_vae_name(const void *arg, const char *name, size_t i, struct weight_alias *alias)
{
    const struct compvis_vae *vae = arg;
    const char *rest = name_behind(name, vae->prefix), *half, *tail;
    char *out = alias->name;

    if (!rest || i > 0 || name_behind(rest, "loss.") || name_behind(rest, "model_ema."))
        return false;
    if (name_behind(rest, "quant_conv.") || name_behind(rest, "post_quant_conv."))
        return name_append(out, "", rest);
    half = name_behind(rest, "encoder.") ? "encoder." : "decoder.";
    tail = name_behind(rest, half);
    if (tail) {
        const char *down = name_behind(tail, "down."), *up = name_behind(tail, "up.");

        if (name_replace(out, half, tail, vae_ends) || (down && level_name(vae, half, down, true, out)) ||
            (up && level_name(vae, half, up, false, out)))
            return true;
    }
    return name_append(out, "", name);
}

/* Does the tensor belong to the layer that the encoder leaves out? */
static bool is_left_out(const struct compvis_text *text, const char *rest)
{
    size_t layer;

    return strcmp(rest, "logit_scale") == 0 || (!text->pools && openclip_is_projection(rest)) ||
           (openclip_layer_of(rest, &layer) && layer == text->layers);
}

bool compvis_text_name(const void *arg, const char *name, size_t i, struct weight_alias *out)
{
    const struct compvis_text *text = arg;
    const char *rest = name_behind(name, text->prefix);

    if (!rest)
        return false;
    if (text->openclip)
        return !is_left_out(text, rest) && openclip_name(rest, i, out);
    /* 0, 1, 2, ...: some files hold it as floats */
    return i == 0 && !strstr(rest, "embeddings.position_ids") && name_append(out->name, "", rest);
}

/* The names are sorted. */
bool compvis_has(const struct weight_set *file, const char *prefix)
{
    size_t low = 0, high = weight_set_count(file);

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const char *at = weight_set_at(file, mid)->name;

        if (name_behind(at, prefix))
            return true;
        if (strcmp(at, prefix) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

bool compvis_has_average(const struct weight_set *file)
{
    return compvis_has(file, "model_ema.");
}

size_t compvis_count(const struct weight_set *file, const char *prefix)
{
    size_t count = 0;

    for (bool found = true; found && count < NAME_MAX_NUMBER; count += found) {
        char name[128];

        snprintf(name, sizeof name, "%s%zu.", prefix, count);
        found = compvis_has(file, name);
    }
    return count;
}

/* Stable Diffusion 2 takes what the layer before OpenCLIP's last leaves, so the last one and the projection
 * are not used.  A file that was written from a diffusers folder holds neither. */
static void count_layers(const struct weight_set *file, enum compvis_family family, struct compvis_text *text)
{
    char name[128], name_2[128];

    if (!text->openclip)
        return;
    snprintf(name, sizeof name, "%stext_projection", text->prefix);
    snprintf(name_2, sizeof name_2, "%stext_model.text_projection", text->prefix);
    text->pools = family != COMPVIS_SD2;
    text->layers = openclip_layers(file, text->prefix);
    if (family == COMPVIS_SD2 && text->layers > 1 &&
        (weight_set_find(file, name) || weight_set_find(file, name_2) || text->layers == OPENCLIP_H_LAYERS))
        text->layers--;
}

/* Is an encoder under transformers' names OpenCLIP's all the same? */
static bool is_openclips(const struct weight_set *file)
{
    return weight_set_find(
        file, "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.in_proj.weight");
}

static bool has_texts(const struct weight_set *file, const struct compvis_text *text)
{
    for (size_t i = 0; i < COMPVIS_MAX_TEXTS && text[i].prefix; i++)
        if (!compvis_has(file, text[i].prefix))
            return false;
    return true;
}

/* OpenCLIP's encoders are wider than CLIP's of Stable Diffusion 1, which would be run with other heads and
 * another activation. */
static enum ltd_status check_width(const struct weight_set *file, const char *path, struct ltd_error *err)
{
    static const char name[] = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight";
    const struct weight *w = weight_set_find(file, name);

    if (!w || w->rank != 2 || w->dim[1] < OPENCLIP_CHANNELS)
        return LTD_OK;
    return ltd_fail(
        err, LTD_EUNSUPPORTED,
        "%s: tensor \"%s\": %zu channels tell of a text encoder of OpenCLIP's with query, key and "
        "value apart, which is not read; convert the checkpoint anew",
        path, name, w->dim[1]);
}

static enum ltd_status read_texts(const struct weight_set *file, const char *path, struct compvis_layout *out,
                                  struct ltd_error *err)
{
    size_t f = 0;

    while (f < FAMILIES && !has_texts(file, families[f].text))
        f++;
    if (f == FAMILIES)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%s: no text encoder of Stable Diffusion is in this file (such as %s*)", path,
                        families[FAMILIES - 1].text[0].prefix);
    out->family = families[f].family;
    memcpy(out->text, families[f].text, sizeof out->text);
    if (out->family == COMPVIS_SD1 && is_openclips(file)) {
        out->family =
            weight_set_find(file, COMPVIS_UNET "label_emb.0.0.weight") ? COMPVIS_REFINER : COMPVIS_SD2;
        out->text[0].openclip = true;
    }
    if (out->family == COMPVIS_SD1 && check_width(file, path, err) != LTD_OK)
        return LTD_EUNSUPPORTED;
    for (size_t i = 0; i < COMPVIS_MAX_TEXTS && out->text[i].prefix; i++)
        count_layers(file, out->family, &out->text[i]);
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
    if (!weight_set_find(file, COMPVIS_UNET "input_blocks.0.0.weight"))
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "%s: an unknown architecture: tensor \"" COMPVIS_UNET
            "input_blocks.0.0.weight\" is missing, with which a Stable Diffusion checkpoint begins",
            path);
    st = read_texts(file, path, out, err);
    if (st == LTD_OK)
        st = compvis_blocks_read(file, path, COMPVIS_UNET, &out->unet_levels, &out->unet_layers, err);
    return st;
}

bool compvis_vae_find(const struct weight_set *file, const char *prefix, struct compvis_vae *out)
{
    char name[128];
    size_t levels;

    snprintf(name, sizeof name, "%sencoder.down.", prefix);
    levels = compvis_count(file, name);
    if (levels > 0)
        *out = (struct compvis_vae){prefix, levels};
    return levels > 0;
}
