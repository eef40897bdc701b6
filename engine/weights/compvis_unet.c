/* compvis_unet.c - the names of a U-Net, and of a control network, as they were first published. */
#include <stdio.h>
#include <string.h>

#include "weights/compvis.h"
#include "weights/name_pieces.h"

#define CONTROL "control_model."
#define HINT    "controlnet_cond_embedding."

static const struct name_piece unet_ends[] = {
    {"input_blocks.0.0.", "conv_in."},
    {"time_embed.0.", "time_embedding.linear_1."},
    {"time_embed.2.", "time_embedding.linear_2."},
    {"label_emb.0.0.", "add_embedding.linear_1."},
    {"label_emb.0.2.", "add_embedding.linear_2."},
    {"out.0.", "conv_norm_out."},
    {"out.2.", "conv_out."},
    {NULL, NULL},
};

static const struct name_piece unet_resblock[] = {
    {"in_layers.0.", "norm1."},
    {"in_layers.2.", "conv1."},
    {"emb_layers.1.", "time_emb_proj."},
    {"out_layers.0.", "norm2."},
    {"out_layers.3.", "conv2."},
    {"skip_connection.", "conv_shortcut."},
    {NULL, NULL},
};

/* A block's first module is its resblock, the second the transformer; behind them, or in place of them, it
 * resamples. */
static bool block_name(size_t layers, const char *rest, bool down, char *out)
{
    char base[64];
    const char *tail;
    size_t block, module, level, layer;

    if (!name_take_number(&rest, &block) || !name_take_number(&rest, &module) || (down && block == 0))
        return false;
    block -= down ? 1 : 0;
    level = block / (layers + 1);
    layer = block % (layers + 1);
    tail = name_behind(rest, down ? "op." : "conv.");
    if (tail) {
        snprintf(base, sizeof base,
                 down ? "down_blocks.%zu.downsamplers.0.conv." : "up_blocks.%zu.upsamplers.0.conv.", level);
        return layer == layers && name_append(out, base, tail);
    }
    snprintf(base, sizeof base, "%s_blocks.%zu.%s.%zu.", down ? "down" : "up", level,
             module == 0 ? "resnets" : "attentions", layer);
    if (module == 0)
        return name_replace(out, base, rest, unet_resblock);
    return module == 1 && name_append(out, base, rest);
}

static bool middle_name(const char *rest, char *out)
{
    size_t module;

    if (!name_take_number(&rest, &module))
        return false;
    if (module == 1)
        return name_append(out, "mid_block.attentions.0.", rest);
    return module <= 2 && name_replace(out, module == 0 ? "mid_block.resnets.0." : "mid_block.resnets.1.",
                                       rest, unet_resblock);
}

/* What comes behind a U-Net's prefix; of a level so many layers. */
static bool unet_name(size_t layers, const char *rest, char *out)
{
    const char *tail;

    if (name_replace(out, "", rest, unet_ends))
        return true;
    if ((tail = name_behind(rest, "middle_block.")))
        return middle_name(tail, out);
    if ((tail = name_behind(rest, "input_blocks.")))
        return block_name(layers, tail, true, out);
    return (tail = name_behind(rest, "output_blocks.")) && block_name(layers, tail, false, out);
}

bool compvis_unet_name(const void *arg, const char *name, size_t i, struct weight_alias *alias)
{
    const struct compvis_layout *layout = arg;
    const char *rest = name_behind(name, COMPVIS_UNET);

    if (!rest || i > 0)
        return false;
    return unet_name(layout->unet_layers, rest, alias->name) || name_append(alias->name, "", name);
}

/* Between two convolutions there is an activation. */
static bool hint_name(const struct compvis_control *control, const char *rest, char *out)
{
    char base[64];
    size_t module;

    if (!name_take_number(&rest, &module) || module % 2 != 0)
        return false;
    if (module == 0)
        return name_append(out, HINT "conv_in.", rest);
    if (module == control->hint_last)
        return name_append(out, HINT "conv_out.", rest);
    snprintf(base, sizeof base, HINT "blocks.%zu.", module / 2 - 1);
    return name_append(out, base, rest);
}

/* NUMBER.0., behind the feature map of that number */
static bool zero_name(const char *rest, char *out)
{
    char base[64];
    size_t map, module;

    if (!name_take_number(&rest, &map) || !name_take_number(&rest, &module) || module != 0)
        return false;
    snprintf(base, sizeof base, "controlnet_down_blocks.%zu.", map);
    return name_append(out, base, rest);
}

bool compvis_control_name(const void *arg, const char *name, size_t i, struct weight_alias *alias)
{
    const struct compvis_control *control = arg;
    const char *rest = name_behind(name, control->prefix), *tail;
    char *out = alias->name;
    bool known;

    if (!rest || i > 0)
        return false;
    if ((tail = name_behind(rest, "input_hint_block.")))
        known = hint_name(control, tail, out);
    else if ((tail = name_behind(rest, "zero_convs.")))
        known = zero_name(tail, out);
    else if ((tail = name_behind(rest, "middle_block_out.0.")))
        known = name_append(out, "controlnet_mid_block.", tail);
    else
        known = unet_name(control->layers, rest, out);
    return known || name_append(out, "", name);
}

enum ltd_status compvis_blocks_read(const struct weight_set *file, const char *path, const char *prefix,
                                    size_t *levels, size_t *layers, struct ltd_error *err)
{
    char name[128];
    size_t blocks, halvings = 0;

    snprintf(name, sizeof name, "%sinput_blocks.", prefix);
    blocks = compvis_count(file, name);
    for (size_t i = 1; i < blocks; i++) {
        snprintf(name, sizeof name, "%sinput_blocks.%zu.0.op.weight", prefix, i);
        halvings += weight_set_find(file, name) != NULL;
    }
    /* One block is the first convolution, and each level but the last ends in one that halves the size. */
    if (halvings >= COMPVIS_MAX_LEVELS || blocks < 2 * (halvings + 1) || blocks % (halvings + 1) != 0)
        return ltd_fail(
            err, LTD_EFORMAT,
            "%s: %sinput_blocks: %zu blocks, of which %zu resample, make no levels of equal depth", path,
            prefix, blocks, halvings);
    *levels = halvings + 1;
    *layers = blocks / (halvings + 1) - 1;
    return LTD_OK;
}

/* How the names of a control network begin; NULL: they are not the first publication's. */
static const char *control_prefix(const struct weight_set *file)
{
    return compvis_has(file, CONTROL) ? CONTROL : compvis_has(file, "input_blocks.") ? "" : NULL;
}

bool compvis_has_control(const struct weight_set *file)
{
    return control_prefix(file) != NULL;
}

/* Marks of files that hold no whole network. */
static enum ltd_status refuse_parts(const struct weight_set *file, struct ltd_error *err)
{
    static const struct {
        const char *name, *what;
    } marks[] = {
        {"lora_controlnet", "a Control-LoRA"},
        {"difference", "what a ControlNet differs by from its base model"},
        {CONTROL "difference", "what a ControlNet differs by from its base model"},
    };

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (weight_set_find(file, marks[i].name))
            return ltd_fail(err, LTD_EUNSUPPORTED, "tensor \"%s\" tells of %s, which is not read",
                            marks[i].name, marks[i].what);
    return LTD_OK;
}

enum ltd_status compvis_control_read(const struct weight_set *file, const char *path,
                                     struct compvis_control *out, struct ltd_error *err)
{
    struct compvis_control control = {.prefix = control_prefix(file)};
    enum ltd_status st = refuse_parts(file, err);
    size_t levels;
    char name[128];

    if (st == LTD_OK)
        st = compvis_blocks_read(file, path, control.prefix, &levels, &control.layers, err);
    if (st != LTD_OK)
        return st;
    do {
        control.hint_last += 2;
        snprintf(name, sizeof name, "%sinput_hint_block.%zu.", control.prefix, control.hint_last + 2);
    } while (compvis_has(file, name));
    *out = control;
    return LTD_OK;
}

static bool has_resblock(const struct weight_set *unet, size_t layer)
{
    char name[WEIGHT_NAME_ROOM];

    snprintf(name, sizeof name, "down_blocks.0.resnets.%zu.conv1.weight", layer);
    return weight_set_find(unet, name) != NULL;
}

/* Upsampling is the third module of a block that attends, else the second. */
static size_t upsampling_module(const struct weight_set *unet, size_t level)
{
    char name[WEIGHT_NAME_ROOM];

    snprintf(name, sizeof name, "up_blocks.%zu.attentions.0.norm.weight", level);
    return weight_set_find(unet, name) ? 2 : 1;
}

static bool original_block(const struct weight_set *unet, const char *rest, bool down, char *out)
{
    const char *const side = down ? "input_blocks" : "output_blocks";
    size_t layers = 0, level, layer;
    const char *tail;
    char base[64];
    bool attends;

    while (layers < NAME_MAX_NUMBER && has_resblock(unet, layers))
        layers++;
    if (!name_take_number(&rest, &level))
        return false;
    tail = name_behind(rest, down ? "downsamplers.0.conv." : "upsamplers.0.conv.");
    if (tail) {
        snprintf(base, sizeof base, "%s.%zu.%zu.%s.", side, (level + 1) * (layers + 1) - (down ? 0 : 1),
                 down ? 0 : upsampling_module(unet, level), down ? "op" : "conv");
        return name_append(out, base, tail);
    }
    attends = name_behind(rest, "attentions.") != NULL;
    tail = attends ? name_behind(rest, "attentions.") : name_behind(rest, "resnets.");
    if (!tail || !name_take_number(&tail, &layer))
        return false;
    snprintf(base, sizeof base, "%s.%zu.%d.", side, level * (layers + 1) + layer + (down ? 1 : 0),
             attends ? 1 : 0);
    return attends ? name_append(out, base, tail) : name_restore(out, base, tail, unet_resblock);
}

bool compvis_unet_original(const struct weight_set *unet, const char *name, char out[WEIGHT_NAME_ROOM])
{
    const char *rest;

    if (name_restore(out, "", name, unet_ends))
        return true;
    if ((rest = name_behind(name, "mid_block.attentions.0.")))
        return name_append(out, "middle_block.1.", rest);
    if ((rest = name_behind(name, "mid_block.resnets.0.")))
        return name_restore(out, "middle_block.0.", rest, unet_resblock);
    if ((rest = name_behind(name, "mid_block.resnets.1.")))
        return name_restore(out, "middle_block.2.", rest, unet_resblock);
    if ((rest = name_behind(name, "down_blocks.")))
        return original_block(unet, rest, true, out);
    return (rest = name_behind(name, "up_blocks.")) && original_block(unet, rest, false, out);
}
