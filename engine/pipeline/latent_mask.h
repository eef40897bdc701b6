/*
 * latent_mask.h - keeps the latent of a picture where a mask is black: a denoiser around another one, so that
 * any model can inpaint.
 *
 * As diffusers' StableDiffusionInpaintPipeline does with a U-Net of 4 input channels, after each step what is
 * kept becomes the picture's latent with the noise of the level that was reached.  As AUTOMATIC1111's
 * CFGDenoiser does, what the network says of it is that it knows the clean picture; with DDIM, PLMS and UniPC
 * it is shown the clean latent instead.
 */
#ifndef LATENT_MASK_H
#define LATENT_MASK_H

#include "pipeline/generation.h"
#include "sampling/denoiser.h"

struct latent_mask {
    const struct generation *g;
    struct denoiser inner;
    size_t n, pixels; /* values of the latent, and of one of its channels */
    float *clean;     /* [n], [c, h, w]: the picture's */
    float *noise;     /* [n]: the start's */
    float *shown;     /* [n]: room for what the network gets */
    int done;         /* evaluations */
};

/* Takes its memory from e; before start. */
void latent_mask_reserve(struct latent_mask *m, const struct generation *g, struct exec *e,
                         struct tensor shape);

/* x [c, h, w]: the picture's latent; becomes what the first step starts from, by the noise [c, h, w].  rng
 * goes on as far as the reference's does.  The generation must have been prepared. */
void latent_mask_start(struct latent_mask *m, float *x, const float *noise, struct torch_rng *rng);

/* Is there need of the denoiser below?  diffusers leaves it to a U-Net that is shown the mask. */
bool latent_mask_keeps(const struct latent_mask *m);

/* A denoiser that keeps what the mask keeps, around another one. */
struct denoiser latent_mask_around(struct latent_mask *m, struct denoiser inner);

#endif
