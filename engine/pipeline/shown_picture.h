/*
 * shown_picture.h - what a U-Net that draws into pictures is shown beside the latent, at every step.
 *
 * A model that inpaints: a mask, and the latent of what the mask leaves of the picture (diffusers:
 * StableDiffusionInpaintPipeline.prepare_mask_latents; AUTOMATIC1111: inpainting_image_conditioning).  One
 * that edits: the middle of what the VAE says of the picture, not scaled, but for CosXL's (diffusers:
 * StableDiffusionInstructPix2PixPipeline.prepare_image_latents and the same of StableDiffusionXL;
 * AUTOMATIC1111: edit_image_conditioning).
 */
#ifndef SHOWN_PICTURE_H
#define SHOWN_PICTURE_H

#include "pipeline/generation.h"

/* Channels of it; 0: the U-Net takes the latent alone. */
size_t shown_picture_channels(const struct ltd_model *model);

/* Is nothing of params' picture in the latent that the first step starts from? */
bool shown_picture_is_all(const struct ltd_model *model, const struct ltd_gen_params *params);

/* Fills shown [1, h, w, shown_picture_channels] for latents of shape [1, h, w, c].  Without a mask all of the
 * picture is hidden from a model that inpaints.  After the noise of the start has been drawn. */
void shown_picture_make(struct generation *g, struct exec *e, struct tensor shown, struct tensor shape);

#endif
