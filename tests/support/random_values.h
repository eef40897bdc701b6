/*
 * random_values.h - inputs for the kernels: the same for the same seed, on every machine.
 *
 * What is made is the caller's to free; without memory the test program ends.
 */
#ifndef RANDOM_VALUES_H
#define RANDOM_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

/* The next of a series (Vigna's splitmix64); *state is the seed, and moves on. */
uint64_t random_next(uint64_t *state);
/* An integer of min to max. */
size_t random_size(uint64_t *state, size_t min, size_t max);

void *allocate(size_t count, size_t size); /* zeroed */

/* n values, uniform in [-1, 1). */
float *random_values(uint64_t seed, size_t n);
struct tensor random_tensor(uint64_t seed, size_t n, size_t h, size_t w, size_t c);
struct tensor zero_tensor(size_t n, size_t h, size_t w, size_t c);

/* n values of a dtype, between 2^-8 and 2 in size, and the same values in values [n] as f32. */
void *random_weights(uint64_t seed, enum dtype dtype, size_t n, float *values);

#endif
