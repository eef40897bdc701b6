#include "weights/openclip.h"

#include <stdio.h>
#include <string.h>

#define LAYERS   "transformer.resblocks."
#define LAYERS_2 "text_model.encoder.layers."

/* Whole names, and what transformers has in their place. */
static const char *const ends[][2] = {
    {"token_embedding.weight", "embeddings.token_embedding.weight"},
    {"positional_embedding", "embeddings.position_embedding.weight"},
    {"ln_final.weight", "final_layer_norm.weight"},
    {"ln_final.bias", "final_layer_norm.bias"},
};

/* What names of a layer begin with. */
static const char *const inside[][2] = {
    {"ln_1.", "layer_norm1."}, {"ln_2.", "layer_norm2."},   {"attn.out_proj.", "self_attn.out_proj."},
    {"mlp.c_fc.", "mlp.fc1."}, {"mlp.c_proj.", "mlp.fc2."},
};

static const char *const fused[][2] = {{"attn.in_proj_weight", "weight"},
                                       {"attn.in_proj_bias", "bias"},
                                       {"self_attn.in_proj.weight", "weight"},
                                       {"self_attn.in_proj.bias", "bias"}};
static const char *const thirds[] = {"q_proj", "k_proj", "v_proj"};

enum {
    ENDS = sizeof ends / sizeof *ends,
    INSIDE = sizeof inside / sizeof *inside,
    FUSED = sizeof fused / sizeof *fused
};

/* What follows "12." in a name of a layer; NULL when it is none. */
static const char *in_layer(const char *name)
{
    static const char *const before[] = {LAYERS, LAYERS_2};

    for (size_t i = 0; i < 2; i++)
        if (strncmp(name, before[i], strlen(before[i])) == 0)
            return name + strlen(before[i]);
    return NULL;
}

bool openclip_layer_of(const char *name, size_t *layer)
{
    const char *at = in_layer(name);
    unsigned number;

    if (!at || sscanf(at, "%4u.", &number) != 1)
        return false;
    *layer = number;
    return true;
}

bool openclip_is_projection(const char *name)
{
    return strcmp(name, "text_projection") == 0 || strcmp(name, "text_model.text_projection") == 0;
}

size_t openclip_layers(const struct weight_set *file, const char *prefix)
{
    size_t count = 0;

    for (bool found = true; found; count += found) {
        char name[WEIGHT_NAME_ROOM], name_2[WEIGHT_NAME_ROOM];

        snprintf(name, sizeof name, "%s" LAYERS "%zu.ln_1.weight", prefix, count);
        snprintf(name_2, sizeof name_2, "%s" LAYERS_2 "%zu.layer_norm1.weight", prefix, count);
        found = weight_set_find(file, name) || weight_set_find(file, name_2);
    }
    return count;
}

static bool put(struct weight_alias *out, int layer_length, const char *layer, const char *what,
                const char *tail)
{
    return snprintf(out->name, sizeof out->name, "text_model.encoder.layers.%.*s%s%s", layer_length, layer,
                    what, tail) < (int)sizeof out->name;
}

/* rest: "12.attn.in_proj_weight" */
static bool layer_name(const char *rest, size_t i, struct weight_alias *out)
{
    const char *dot = strchr(rest, '.');
    const int length = dot ? (int)(dot - rest) + 1 : 0;
    char what[32];

    for (size_t f = 0; dot && f < FUSED; f++)
        if (strcmp(dot + 1, fused[f][0]) == 0) {
            if (i >= 3)
                return false;
            out->pieces = 3;
            out->piece = i;
            snprintf(what, sizeof what, "self_attn.%s.", thirds[i]);
            return put(out, length, rest, what, fused[f][1]);
        }
    for (size_t p = 0; dot && i == 0 && p < INSIDE; p++) {
        const size_t size = strlen(inside[p][0]);

        if (strncmp(dot + 1, inside[p][0], size) == 0)
            return put(out, length, rest, inside[p][1], dot + 1 + size);
    }
    return i == 0 && put(out, 0, "", rest, ""); /* by transformers' names */
}

bool openclip_name(const char *name, size_t i, struct weight_alias *out)
{
    const char *rest = in_layer(name);

    if (rest)
        return layer_name(rest, i, out);
    if (i > 0)
        return false;
    if (openclip_is_projection(name))
        name = "text_projection";
    for (size_t e = 0; e < ENDS; e++)
        if (strcmp(name, ends[e][0]) == 0)
            return snprintf(out->name, sizeof out->name, "text_model.%s", ends[e][1]) < (int)sizeof out->name;
    return snprintf(out->name, sizeof out->name, "%s", name) < (int)sizeof out->name;
}
