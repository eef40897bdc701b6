/*
 * time_embedding.h - numbers as vectors: timesteps, sizes, guidance scales (diffusers: Timesteps,
 * TimestepEmbedding).
 */
#ifndef TIME_EMBEDDING_H
#define TIME_EMBEDDING_H

#include <stdbool.h>

#include "nn/layers.h"

struct sinusoid_config {
    bool flip_sin_to_cos; /* cosines in front */
    double frequency_shift;
};

/* y [n, channels] = sines and cosines of values [n] at channels / 2 frequencies; the values are not read on a
 * dry exec. */
void sinusoids(const struct sinusoid_config *config, struct exec *e, struct tensor y, const double *values);

/* Two linear layers with silu between them. */
struct embedding_layers {
    struct linear linear_1, linear_2;
};

void embedding_layers_bind(struct embedding_layers *l, struct binder *b, const char *name, size_t c_in,
                           size_t c_out);

/* y [n, c_out] = linear_2(silu(linear_1(x [n, c_in]))) */
void embedding_layers_forward(const struct embedding_layers *l, struct exec *e, struct tensor y,
                              struct tensor x);

#endif
