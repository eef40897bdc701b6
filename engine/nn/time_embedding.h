/*
 * time_embedding.h - timesteps as vectors (diffusers: Timesteps, TimestepEmbedding).
 */
#ifndef TIME_EMBEDDING_H
#define TIME_EMBEDDING_H

#include <stdbool.h>

#include "nn/layers.h"

struct time_embedding_config {
    size_t channels;      /* of the sinusoids */
    size_t embedding;     /* of the result */
    bool flip_sin_to_cos; /* cosines in front */
    double frequency_shift;
};

struct time_embedding {
    struct time_embedding_config config;
    struct linear linear_1, linear_2;
};

void time_embedding_bind(struct time_embedding *t, struct binder *b,
                         const struct time_embedding_config *config);

/* y [n, embedding] = silu(linear_2(silu(linear_1(sinusoids(timesteps [n]))))): the last silu belongs to every
 * reader of the embedding, so it is done once here. */
void time_embedding_forward(const struct time_embedding *t, struct exec *e, struct tensor y,
                            const double *timesteps);

#endif
