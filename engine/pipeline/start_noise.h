/*
 * start_noise.h - the noise that a picture starts from: of its seed, or on the way to that of another one.
 *
 * Variations and resized seeds are AUTOMATIC1111's (modules/rng.py).
 */
#ifndef START_NOISE_H
#define START_NOISE_H

#include "pipeline/generation.h"

/* noise [c, h, w] = what g's params start image g->index with; rng, of its seed, goes on by as many values.
 * On a dry e only its scratch is counted. */
void start_noise(const struct generation *g, struct exec *e, struct torch_rng *rng, float *noise,
                 struct tensor shape);

#endif
