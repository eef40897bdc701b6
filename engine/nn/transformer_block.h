/*
 * transformer_block.h - the spatial transformer of the U-Net (diffusers: Transformer2DModel,
 * BasicTransformerBlock).
 */
#ifndef TRANSFORMER_BLOCK_H
#define TRANSFORMER_BLOCK_H

#include <stdbool.h>

#include "nn/layers.h"

/* Attention with its projections: q from x, k and v from x too or, in cross-attention, from a text. */
struct attention_layer {
    struct linear to_q, to_k, to_v, to_out;
    size_t heads;
    size_t text_at; /* cross-attention: channels of a table of texts that are other layers', before its k and
                       v */
};

struct transformer_config {
    size_t channels; /* of the feature map, and heads * head size */
    size_t heads;
    size_t context_channels;   /* of the text embedding */
    size_t layers;             /* transformer blocks in a row */
    size_t groups;             /* of the group norm in front */
    bool only_cross_attention; /* the first attention looks at the context as well */
};

struct transformer_block {
    struct layer_norm norm1, norm2, norm3;
    struct attention_layer attn1, attn2;
    struct linear ff_in, ff_out; /* c -> 8c, gated to 4c, -> c */
};

struct spatial_transformer {
    struct transformer_config config;
    struct group_norm norm;
    struct linear proj_in, proj_out;  /* a linear layer on tokens, or a 1x1 convolution: the same sum */
    struct transformer_block *blocks; /* [config.layers] */
    size_t text_channels;             /* of k and v of all its cross-attentions */
};

/* A table of texts: for each cross-attention in turn its keys and then its values, [rows, tokens, channels]
 * each.  They depend on the text alone, so they are made once and serve every step. */
struct text_table {
    float *values;
    size_t rows, tokens;
    size_t first; /* the row of a forward pass's item 0; item i has the i-th after it */
};

/* The table without the first so many channels. */
static inline struct text_table text_table_from(struct text_table table, size_t channels)
{
    table.values += table.rows * table.tokens * channels;
    return table;
}

void spatial_transformer_bind(struct spatial_transformer *t, struct binder *b,
                              const struct transformer_config *config);

/* Fills text_channels channels of the table for context [rows, tokens, 1, context_channels]. */
void spatial_transformer_text(const struct spatial_transformer *t, struct exec *e, struct text_table table,
                              struct tensor context);

/* x [n, h, w, channels] += proj_out(blocks(proj_in(norm(x)), text)).  `known` is n; or 1, when what all items
 * of x are to be stands in the first alone: then whatever comes before the first look at the text is done
 * once. */
void spatial_transformer_forward(const struct spatial_transformer *t, struct exec *e, struct tensor x,
                                 size_t known, struct text_table text);

#endif
