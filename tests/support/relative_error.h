/*
 * relative_error.h - how far apart two tensors are.
 */
#ifndef RELATIVE_ERROR_H
#define RELATIVE_ERROR_H

#include <stddef.h>

/* |got - want| / |want| over n floats, both norms Euclidean, in double; infinite when a value is not finite.
 */
double check_relative_error(const float *got, const float *want, size_t n);

#endif
