/*
 * separate_vae.h - a VAE in a folder or files of its own, which stands in place of a model's.
 */
#ifndef SEPARATE_VAE_H
#define SEPARATE_VAE_H

#include "pipeline/model_parts.h"

/* Opens model->vae_path into model->vae, when the model's other parts are open:
 *
 * - a diffusers folder (config.json, AutoencoderKL or AutoencoderTiny);
 * - a .safetensors file with diffusers' names, or those of the first publication, with first_stage_model.
 * before them (which a whole checkpoint may be) or alone;
 * - a tiny autoencoder as it was first published: the file of its decoder, whose name ends in _decoder, or a
 *   folder with one; the encoder, where there is one, lies beside it.
 *
 * Without a config.json the model says how a latent is scaled.  Errors: LTD_ENOTFOUND, LTD_EFORMAT,
 * LTD_EUNSUPPORTED (no VAE; or for latents that are not the model's), LTD_EIO, LTD_ENOMEM; all messages begin
 * with a path. */
LTD_MUST_USE enum ltd_status separate_vae_open(struct ltd_model *model, struct ltd_error *err);

/* The last part of the path, for pictures' settings and the like; the caller frees it; NULL without memory.
 */
char *separate_vae_name(const char *path);

#endif
