/*
 * picture_latent.h - the latent of a picture.
 */
#ifndef PICTURE_LATENT_H
#define PICTURE_LATENT_H

#include "pipeline/generation.h"

/* Draws the noise by which picture_latent takes a sample, spread [n]; nothing for a VAE that does not spread.
 * On a dry e it does nothing. */
void picture_latent_draw(const struct generation *g, const struct exec *e, struct torch_rng *rng,
                         float *spread, size_t n);

/* x [c, h, w] = a sample, by the noise spread [c, h, w], of what g's VAE says of a picture of params' width
 * and height, scaled for the U-Net; spread NULL: the middle of what it says, not scaled.  What a mask of that
 * size covers (128 and more) is grey to it; mask NULL: nothing is.  picture NULL: all of it is.  shape is [1,
 * h, w, c].  On a dry e only its scratch is counted.
 */
void picture_latent(const struct generation *g, struct exec *e, float *x, struct tensor shape,
                    const struct ltd_image *picture, const struct ltd_image *mask, const float *spread);

#endif
