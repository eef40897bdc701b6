/*
 * adapted_model.h - a model as LoRAs change it: its own U-Net and text encoder, everything else the model's.
 *
 * The changed weights are kept in f32: 4 bytes for each value of a layer that is changed, while a job uses
 * them or is the last one that has.
 */
#ifndef ADAPTED_MODEL_H
#define ADAPTED_MODEL_H

#include "base/pool.h"
#include "pipeline/model_parts.h"

/* What no job uses is kept in case the next one does: so many sets of adapters. */
#define ADAPTED_MODELS_IDLE 1

/* The model as params' LoRAs change it, which the caller gives back; the model itself where there are none.
 * The same LoRAs at the same weights are made once for all who use them.  params must have passed
 * ltd_params_check.  Errors: LTD_EFORMAT, LTD_EUNSUPPORTED, LTD_EIO a file is no longer what it was;
 * LTD_ECANCELED, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status adapted_model_take(const struct ltd_model *model,
                                                const struct ltd_gen_params *params, struct pool *pool,
                                                const atomic_bool *cancel, const struct ltd_model **out,
                                                struct ltd_error *err);
/* NULL is fine. */
void adapted_model_release(const struct ltd_model *model, const struct ltd_model *taken);

/* A lease_free_fn. */
void adapted_model_free(void *adapted);

#endif
