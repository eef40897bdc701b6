/*
 * tensor_noise.h - would a wrong weight be noticed?
 */
#ifndef TENSOR_NOISE_H
#define TENSOR_NOISE_H

#include <stdbool.h>

/* Whether the file that was spoiled gives other results than it should. */
typedef bool tensor_noise_fn(void *arg);

/* Adds 5 % noise to each tensor of a .safetensors file in turn, in the file itself, which is as before in the
 * end, and prints whether it was noticed.  Returns how often it was not. */
int tensor_noise_try(const char *path, const char *label, tensor_noise_fn *noticed, void *arg);

#endif
