/*
 * brownian_tree.h - a Brownian path over the sigmas of a run, the same wherever it is looked at.
 *
 * The path of torchsde 0.2.6's BrownianTree, which k-diffusion's stochastic samplers draw their noise from:
 * the whole of it is drawn first, then the middle of each half that is looked into, each with a seed of its
 * own place, down to a millionth.  So a step's noise depends on where it begins and ends alone.
 */
#ifndef BROWNIAN_TREE_H
#define BROWNIAN_TREE_H

#include <stddef.h>
#include <stdint.h>

enum { BROWNIAN_TREE_VECTORS = 3 };
/* Beyond, places in the tree would have no number of 64 bits. */
#define BROWNIAN_TREE_MAX_SIGMA 1e6F

struct brownian_tree {
    uint64_t seed;
    double start, end; /* in whole millionths */
    float spread;      /* standard deviation of the whole way */
};

/* 0 <= low <= high <= BROWNIAN_TREE_MAX_SIGMA. */
void brownian_tree_init(struct brownian_tree *tree, uint64_t seed, float low, float high);

/* out [n] = the path's change from one sigma to another over the root of their distance: standard normal.
 * What lies beyond the tree's ends counts as its end; equal sigmas give 0.  scratch [BROWNIAN_TREE_VECTORS
 * n].
 */
void brownian_tree_noise(const struct brownian_tree *tree, float *out, float from, float to, size_t n,
                         float *scratch);

#endif
