/*
 * torch_rng.h - the normal noise of torch's CPU generator (mt19937, seed truncated to its low 32 bits).
 *
 * Follows torch.Generator().manual_seed(seed) and torch.randn(n, dtype=float32): see ATen's
 * DistributionTemplates.h (normal_fill) and CPUGeneratorImpl.  A session has one on its stack; there is no
 * global generator.
 */
#ifndef TORCH_RNG_H
#define TORCH_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct torch_rng {
    uint32_t state[624];
    int next;        /* index of the next state word; 624: regenerate first */
    bool has_cached; /* the second value of the last double Box-Muller pair (draws of fewer than 16 values) */
    double cached;
};

void torch_rng_init(struct torch_rng *rng, uint64_t seed);
/* out[0..n) = torch.randn(n): standard normal, the generator advanced as torch advances it. */
void torch_rng_normal(struct torch_rng *rng, float *out, size_t n);

#endif
