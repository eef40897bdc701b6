/*
 * vae.h - between pixels and latents (diffusers: AutoencoderKL and AutoencoderTiny; Kingma and Welling 2013,
 * Rombach et al. 2022).
 */
#ifndef VAE_H
#define VAE_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "nn/binder.h"
#include "tensor/exec.h"
#include "vae/vae_config.h"
#include "weights/weight_set.h"

struct vae;

/* Opens dir/config.json and dir/diffusion_pytorch_model.safetensors (or its shards).  With a report (else
 * NULL) everything wrong with the weights goes there, and *out is not set.  Errors: LTD_ENOTFOUND,
 * LTD_EFORMAT, LTD_EUNSUPPORTED, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status vae_open(const char *dir, enum bind_use use, struct bind_report *report,
                                      struct vae **out, struct ltd_error *err);
/* The same from a config and weights at hand, which are taken, after an error too; file is for messages. */
LTD_MUST_USE enum ltd_status vae_open_set(const struct ltd_json *config, const char *file,
                                          struct weight_set *weights, enum bind_use use, struct vae **out,
                                          struct ltd_error *err);
void vae_close(struct vae *vae); /* NULL is fine */
const struct vae_config *vae_config(const struct vae *vae);
const struct weight_set *vae_weights(const struct vae *vae);

/* image [n, factor * h, factor * w, 3] of about -1..1 = decode(latent [n, h, w, latent_channels]); the latent
 * is the VAE's own, unscaled. */
void vae_decode(const struct vae *vae, struct exec *e, struct tensor image, struct tensor latent);

/* encoded [n, h, w, vae_encoded_channels] (means, then logarithms of variances; of one that does not spread,
 * the latent) = encode(image [n, factor * h, factor * w, 3]).  Only where vae_encodes. */
void vae_encode(const struct vae *vae, struct exec *e, struct tensor encoded, struct tensor image);

/* For messages: the tensor whose shape is that of the latents, static storage; and the last level's, with the
 * number of levels. */
#define VAE_TENSOR_NAME_SIZE 64
const char *vae_latent_tensor(const struct vae *vae);
size_t vae_level_tensor(const struct vae *vae, char out[VAE_TENSOR_NAME_SIZE]);

/* What the key projection of a middle attention gives, [n, h, w, c] of the coarsest level.  For tests:
 * softmax cancels key biases, so nothing behind it shows whether they are right.  Of an AutoencoderKL. */
void vae_decoder_keys(const struct vae *vae, struct exec *e, struct tensor y, struct tensor latent);
void vae_encoder_keys(const struct vae *vae, struct exec *e, struct tensor y, struct tensor image);

#endif
