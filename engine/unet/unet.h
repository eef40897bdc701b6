/*
 * unet.h - the denoising network (diffusers: UNet2DConditionModel; Ronneberger et al. 2015, Rombach et al.
 * 2022).
 */
#ifndef UNET_H
#define UNET_H

#include <latentd/error.h>

#include "nn/binder.h"
#include "tensor/exec.h"
#include "unet/unet_config.h"
#include "weights/weight_set.h"

struct unet;

/* Opens dir/config.json and dir/diffusion_pytorch_model.safetensors (or its shards).  With a report (else
 * NULL) everything wrong with the weights goes there, and *out is not set.  Errors: LTD_ENOTFOUND,
 * LTD_EFORMAT, LTD_EUNSUPPORTED, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status unet_open(const char *dir, struct bind_report *report, struct unet **out,
                                       struct ltd_error *err);
void unet_close(struct unet *unet); /* NULL is fine */
const struct unet_config *unet_config(const struct unet *unet);
const struct weight_set *unet_weights(const struct unet *unet);

/* y [n, h, w, out_channels] = unet(x [n, h, w, in_channels], timestep, context [n, tokens, 1,
 * context_channels]).  h and w of at least unet_min_side, odd ones too.  y overlaps neither. */
void unet_forward(const struct unet *unet, struct exec *e, struct tensor y, struct tensor x, double timestep,
                  struct tensor context);

#endif
