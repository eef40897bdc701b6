/*
 * model_parts.h - what is inside a ltd_model; for engine/pipeline and the parity tests.
 */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include <latentd/model.h>

#include "base/lease_cache.h"
#include "base/value_cache.h"
#include "pipeline/control_nets.h"
#include "pipeline/embeddings.h"
#include "pipeline/loras.h"
#include "pipeline/model_settings.h"
#include "pipeline/preview.h"
#include "sampling/sampling.h"
#include "text/clip_text.h"
#include "tokenizer/clip_tokenizer.h"
#include "unet/unet.h"
#include "vae/vae.h"

/* The longest side of a picture, in pixels: with it no product of sizes can overflow. */
#define MODEL_MAX_SIDE 16384

/* Numbers that XL's U-Net is told of a picture beside the timestep: height and width of the original, top and
 * left of the crop, then the height and width asked for, or, for the refiner, a score of its beauty. */
enum { SIZES_OF_XL = 6, SIZES_OF_REFINER = 5 };

/* What a model says of the VAE that it was made with, whichever stands in its place. */
struct own_vae {
    double scaling_factor;
    size_t levels;                      /* 0: it does not say */
    size_t sample_height, sample_width; /* pixels; 0: likewise */
};

struct ltd_model {
    enum bind_use use; /* BIND_SHAPES: it cannot be drawn with */
    struct model_settings settings;
    const char *vae_path; /* while it is opened: of the VAE in place of its own; NULL: there is none */
    struct own_vae own_vae;
    struct weight_set *vae_files[2]; /* which that VAE's weights may lie in; else NULL */
    struct weight_set *file;         /* of a model in one file, which the parts' weights lie in; else NULL */
    struct clip_tokenizer *tokenizer, *tokenizer_2; /* tokenizer_2: text_2's, with the same vocabulary */
    const char *words; /* where a model in one file has its vocabulary from, static storage; else NULL */
    struct clip_text *text,
        *text_2;       /* text_2: Stable Diffusion XL's; else NULL.  text_stack.h has them as one */
    bool zero_empty;   /* XL: an empty negative prompt is all zeros, instead of being encoded */
    bool shows_scaled; /* a model that edits is shown a picture's latent as scaled as its own (CosXL) */
    struct unet *unet;
    struct vae *vae;
    struct schedule_config *schedule;
    struct preview *preview;     /* filled later, by the first session to need it */
    struct value_cache *prompts; /* filled by all sessions: prompt_memory.h */
    struct embeddings embeddings;
    struct loras loras;
    struct control_nets control_nets;
    const struct ltd_upscalers *upscalers; /* NULL: none */
    struct lease_cache *adapted;           /* struct adapted_model, by what adapted them */
    struct ltd_gen_params recommended;     /* without the strings and the seed */
    struct ltd_model_info info;
    char *about;    /* what info.about shows; NULL: "" */
    char *vae_name; /* the same of info.vae */
};

/* Fills model->recommended, the native size and the about line, from model->settings and the configs. */
LTD_MUST_USE enum ltd_status model_defaults_read(struct ltd_model *model, struct ltd_error *err);

/* A ltd_finding_fn whose arg is a struct ltd_error with status LTD_OK, or NULL: keeps the first error as
 * LTD_EINVAL. */
void params_keep_first(void *arg, bool warning, const char *field, const char *message);

#endif
