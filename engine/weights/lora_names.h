/*
 * lora_names.h - from the names that adapter files give to layers to the weights of a network.
 *
 * kohya's trainer writes lora_unet_down_blocks_0_attentions_0_..., PEFT unet.down_blocks.0.attentions.0. ...:
 * but for the prefix, a layer's name is that of diffusers with other marks between its words.  For Stable
 * Diffusion XL kohya's trainer takes the first publication's names (compvis.h):
 * lora_unet_input_blocks_4_1_....
 */
#ifndef LORA_NAMES_H
#define LORA_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "weights/weight_set.h"

enum lora_network { LORA_UNET, LORA_TEXT_ENCODER, LORA_TEXT_ENCODER_2, LORA_NETWORKS };

/* Which network a module's name speaks of, and in *layer what it calls the layer in there.  A name without a
 * prefix is one of the U-Net's. */
enum lora_network lora_network_of(const char *module, const char **layer);

/* The layers of one network. */
struct lora_names {
    struct lora_name *names; /* sorted */
    size_t count;
    char *text;
};

/* Of a set with the names of diffusers or transformers, which is borrowed.  unet: its layers have those of
 * the first publication as well.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status lora_names_init(struct lora_names *names, const struct weight_set *set,
                                             bool unet, struct ltd_error *err);
void lora_names_fini(struct lora_names *names); /* also of a zeroed struct */

/* A layer's weight and bias (may be NULL); NULL: there is no such layer, or its name is too long for one. */
const struct weight *lora_names_find(const struct lora_names *names, const char *layer,
                                     const struct weight **bias);

#endif
