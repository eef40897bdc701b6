/*
 * ancestral.h - how far an ancestral step goes past the level that it leads to, and the noise back up to it.
 */
#ifndef ANCESTRAL_H
#define ANCESTRAL_H

#include <latentd/error.h>

/* down^2 + up^2 = to^2, and up the spread of q(x_to | x_from, x_0), the ancestral sampling of DDPM, times
 * eta. */
struct ancestral_step {
    float down, up;
};

/* Errors: LTD_EINVAL (the noise does not fall). */
LTD_MUST_USE enum ltd_status ancestral_step(struct ancestral_step *step, float from, float to, double eta,
                                            struct ltd_error *err);

#endif
