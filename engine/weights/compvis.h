/*
 * compvis.h - the parts of a Stable Diffusion 1 checkpoint in one file, named as it was first published.
 *
 * The first publication (Rombach et al. 2022) counted the U-Net's blocks through all levels, where diffusers
 * numbers levels and the layers in them.  How many there are of each is told from the names alone.
 */
#ifndef COMPVIS_H
#define COMPVIS_H

#include "weights/weight_set.h"

#define COMPVIS_MAX_LEVELS 8

struct compvis_layout {
    size_t unet_levels, unet_layers; /* resblocks of a level on the way down; one more on the way up */
    size_t vae_levels, vae_layers;   /* the same */
};

/* Errors: LTD_EUNSUPPORTED another architecture, naming the tensor that says so; LTD_EFORMAT naming one that
 * is missing, or blocks that make no levels.  Messages begin with the path. */
LTD_MUST_USE enum ltd_status compvis_layout_read(const struct weight_set *file, const char *path,
                                                 struct compvis_layout *out, struct ltd_error *err);

/* weight_name_fns, whose arg is a struct compvis_layout: diffusers' names; the file's own name for a tensor
 * of the part that has no place in it. */
weight_name_fn compvis_text_name, compvis_unet_name, compvis_vae_name;

/* Is there a second, averaged U-Net, which is not used? */
bool compvis_has_average(const struct weight_set *file);

#endif
