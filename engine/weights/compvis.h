/*
 * compvis.h - the parts of a Stable Diffusion checkpoint in one file, named as it was first published.
 *
 * The first publication (Rombach et al. 2022) counted the U-Net's blocks through all levels, where diffusers
 * numbers levels and the layers in them.  How many there are of each is told from the names alone, and so is
 * the family, by its text encoders.
 */
#ifndef COMPVIS_H
#define COMPVIS_H

#include "weights/weight_set.h"

#define COMPVIS_UNET       "model.diffusion_model." /* how the names of a U-Net begin */
#define COMPVIS_MAX_LEVELS 8
#define COMPVIS_MAX_TEXTS  2

enum compvis_family { COMPVIS_SD1, COMPVIS_SD2, COMPVIS_XL, COMPVIS_REFINER };

struct compvis_text {
    const char *prefix; /* of its tensors, static storage; NULL: there is no such encoder */
    bool openclip;      /* named as OpenCLIP does, and made by it; else as transformers does */
    /* Of an OpenCLIP encoder: */
    size_t layers; /* in use, from the first one on */
    bool pools;    /* text_projection is in use */
};

struct compvis_layout {
    enum compvis_family family;
    struct compvis_text text[COMPVIS_MAX_TEXTS];
    size_t unet_levels, unet_layers; /* resblocks of a level on the way down; one more on the way up */
};

/* A VAE, in a checkpoint or in a file of its own. */
struct compvis_vae {
    const char
        *prefix; /* of its tensors, static storage: "first_stage_model.", or "" where they stand alone */
    size_t levels;
};

/* Errors: LTD_EUNSUPPORTED another architecture, naming the tensor that says so; LTD_EFORMAT naming one that
 * is missing, or blocks that make no levels.  Messages begin with the path. */
LTD_MUST_USE enum ltd_status compvis_layout_read(const struct weight_set *file, const char *path,
                                                 struct compvis_layout *out, struct ltd_error *err);

/* Is there a VAE, under this prefix?  *out is set to it. */
bool compvis_vae_find(const struct weight_set *file, const char *prefix, struct compvis_vae *out);

/* weight_name_fns, whose arg is a struct compvis_layout, of compvis_text_name one of its texts, of
 * compvis_vae_name a struct compvis_vae: diffusers' names; the file's own name for a tensor of the part that
 * has no place in it.  What only the training of a VAE needs (loss.*, model_ema.*) is no part of it. */
weight_name_fn compvis_text_name, compvis_unet_name, compvis_vae_name;

/* A control network (Zhang et al. 2023, "ControlNet"), of which such a file may hold nothing else. */
struct compvis_control {
    const char *prefix; /* of its tensors, static storage; "": they have none */
    size_t layers;      /* resblocks of a level */
    size_t hint_last;   /* the number of the last convolution that its picture goes through */
};

/* Is there one with these names? */
bool compvis_has_control(const struct weight_set *file);

/* Of a file that has one; path is for messages.  Errors: LTD_EUNSUPPORTED only a part of one, naming the
 * tensor that says so; LTD_EFORMAT blocks that make no levels. */
LTD_MUST_USE enum ltd_status compvis_control_read(const struct weight_set *file, const char *path,
                                                  struct compvis_control *out, struct ltd_error *err);

/* A weight_name_fn as the others, whose arg is a struct compvis_control. */
weight_name_fn compvis_control_name;

/* How many levels of how many layers the blocks under `prefix` make; path is for messages.  Errors:
 * LTD_EFORMAT none of equal depth. */
LTD_MUST_USE enum ltd_status compvis_blocks_read(const struct weight_set *file, const char *path,
                                                 const char *prefix, size_t *levels, size_t *layers,
                                                 struct ltd_error *err);

/* The other way round, of a layer or tensor of a U-Net with diffusers' names: what the first publication
 * calls it, as kohya's trainer does for Stable Diffusion XL.  False: it has no such name, or a longer one
 * than there is room for. */
bool compvis_unet_original(const struct weight_set *unet, const char *name, char out[WEIGHT_NAME_ROOM]);

/* Is there a tensor whose name begins with prefix? */
bool compvis_has(const struct weight_set *file, const char *prefix);

/* How many of prefix0., prefix1., ... names begin with. */
size_t compvis_count(const struct weight_set *file, const char *prefix);

/* Is there a second, averaged U-Net, which is not used? */
bool compvis_has_average(const struct weight_set *file);

#endif
