/*
 * unet_network.h - what an opened U-Net is made of; for the files of engine/unet.
 */
#ifndef UNET_NETWORK_H
#define UNET_NETWORK_H

#include "base/heap_list.h"
#include "nn/resblock.h"
#include "nn/time_embedding.h"
#include "nn/transformer_block.h"
#include "unet/unet.h"

/* A resblock and, where the level has attention, the transformer behind it */
struct unet_layer {
    struct resblock resblock;
    struct spatial_transformer transformer;
    bool attends;
    size_t time_at; /* channels of a table of times that are other layers', before this one's */
    size_t text_at; /* the same of texts */
};

struct unet_block {
    struct unet_layer *layers;
    size_t count;
    struct conv2d resample; /* the stride-2 convolution down, or the one behind the doubling up */
    bool resamples;
};

struct unet {
    struct unet_config config;
    struct weight_set *weights;
    const struct weight_overlay
        *overlay; /* not NULL: it stands in place of some weights, which are another network's */
    struct heap_list memory;
    struct sinusoid_config sinusoids;
    struct embedding_layers time, added; /* added: bound where config.added_channels > 0 */
    struct linear guidance;              /* where config.guidance_channels > 0 */
    struct conv2d conv_in, conv_out;
    struct unet_layer *layers; /* [count], of all blocks: down, middle, up */
    size_t count;
    struct unet_block down[UNET_MAX_LEVELS], up[UNET_MAX_LEVELS]; /* up[0] is the coarsest */
    struct unet_block
        mid; /* one layer and, with UNET_MID_CROSS_ATTENTION, another without attention; or none */
    struct group_norm norm_out;
    size_t time_channels, text_channels; /* of tables for all layers */
};

/* What a control network has as well: everything up to, and with, the middle. */
void unet_bind_encoder(struct unet *unet, struct binder *b);

/* The layer's part of the tables that a forward pass is given; of times, for so many items. */
struct text_table unet_layer_text(const struct unet_layer *layer, const struct unet_input *input);
struct tensor unet_layer_time(const struct unet_layer *layer, const struct unet_input *input, size_t items);

#endif
