/*
 * model_parts.h - what is inside a ltd_model; for engine/pipeline and the parity tests.
 */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include <latentd/model.h>

#include "base/lease_cache.h"
#include "base/value_cache.h"
#include "pipeline/embeddings.h"
#include "pipeline/loras.h"
#include "pipeline/preview.h"
#include "sampling/sampling.h"
#include "text/clip_text.h"
#include "tokenizer/clip_tokenizer.h"
#include "unet/unet.h"
#include "vae/vae.h"

/* The longest side of a picture, in pixels: with it no product of sizes can overflow. */
#define MODEL_MAX_SIDE 16384

struct ltd_model {
    struct weight_set *file; /* of a model in one file, which the parts' weights lie in; else NULL */
    struct clip_tokenizer *tokenizer;
    struct clip_text *text;
    struct unet *unet;
    struct vae *vae;
    struct schedule_config *schedule;
    struct preview *preview;     /* filled later, by the first session to need it */
    struct value_cache *prompts; /* filled by all sessions: prompt_memory.h */
    struct embeddings embeddings;
    struct loras loras;
    struct lease_cache *adapted;       /* struct adapted_model, by what adapted them */
    struct ltd_gen_params recommended; /* without the strings and the seed */
    struct ltd_model_info info;
    char *about;     /* what info.about shows; NULL: "" */
    bool recommends; /* there is a latentd.json */
};

/* Fills model->recommended, the native size and the about line, from dir/latentd.json (optional) and the
 * configs. */
LTD_MUST_USE enum ltd_status model_defaults_read(struct ltd_model *model, const char *dir,
                                                 struct ltd_error *err);

/* A ltd_finding_fn whose arg is a struct ltd_error with status LTD_OK, or NULL: keeps the first error as
 * LTD_EINVAL. */
void params_keep_first(void *arg, bool warning, const char *field, const char *message);

#endif
