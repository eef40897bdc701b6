/*
 * write_safetensors.h - small weight files for the tests.
 */
#ifndef WRITE_SAFETENSORS_H
#define WRITE_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "weights/weight_set.h"

/* Writes the tensors in their order: name, dtype, rank, dim and data of each are read, and `count` values of
 * data.  The header has no spaces.  False when the file cannot be written. */
bool write_safetensors(const char *path, const struct weight *tensors, size_t count);

#endif
