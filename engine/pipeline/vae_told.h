/*
 * vae_told.h - the config of a VAE that comes without one, told from its tensors.
 */
#ifndef VAE_TOLD_H
#define VAE_TOLD_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "weights/weight_set.h"

/* *out: what the config.json of a VAE with these tensors, named as diffusers does, would say; the caller
 * frees it.  scaling_factor is that of an AutoencoderKL; what else its tensors do not tell is as in every one
 * of Stable Diffusion.  An AutoencoderTiny may lack its encoder.  path is for messages.  Errors: LTD_EFORMAT
 * names a tensor; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status vae_told_config(const struct weight_set *set, const char *path,
                                             double scaling_factor, struct ltd_json **out,
                                             struct ltd_error *err);

#endif
