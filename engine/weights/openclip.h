/*
 * openclip.h - a text encoder named as OpenCLIP (mlfoundations/open_clip) names it.
 *
 * It has query, key and value in one tensor, one below the other, and the projection of the pooled text as a
 * bare matrix, which rows are multiplied by: the transpose of a linear layer's weight.  stable-diffusion.cpp
 * writes both under transformers' names.
 */
#ifndef OPENCLIP_H
#define OPENCLIP_H

#include "weights/weight_set.h"

/* How many layers, numbered from 0 on, stand below prefix. */
size_t openclip_layers(const struct weight_set *file, const char *prefix);

/* The number of the layer that a name without its prefix belongs to; false when it belongs to none. */
bool openclip_layer_of(const char *name, size_t *layer);

/* Is it the projection of the pooled text? */
bool openclip_is_projection(const char *name);

/* The i-th weight in the tensor `name`, whose prefix is left away, by its name in transformers'
 * CLIPTextModel; text_projection keeps its name.  What has no place there keeps its name too, so that it is
 * noticed. */
bool openclip_name(const char *name, size_t i, struct weight_alias *out);

#endif
