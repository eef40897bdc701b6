/*
 * latent_layout.h - samplers and seeds count a latent [c, h, w] channel by channel, as the reference stores
 * it; the networks want [h, w, c].
 */
#ifndef LATENT_LAYOUT_H
#define LATENT_LAYOUT_H

#include "tensor/tensor.h"

/* The channels of out from `first` on become those of a latent of so many. */
static inline void latent_to_channels(struct tensor out, size_t first, const float *chw, size_t channels)
{
    const size_t pixels = out.h * out.w;

    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++)
            out.data[i * out.c + first + c] = chw[c * pixels + i];
}

static inline void latent_to_nhwc(struct tensor out, const float *chw)
{
    latent_to_channels(out, 0, chw, out.c);
}

static inline void latent_to_chw(float *chw, const float *hwc, size_t pixels, size_t channels)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++)
            chw[c * pixels + i] = hwc[i * channels + c];
}

#endif
