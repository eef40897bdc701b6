/*
 * conv_output.h - what becomes of the sums of a convolution, for all ways to convolve.
 */
#ifndef CONV_OUTPUT_H
#define CONV_OUTPUT_H

#include "kernels/conv2d.h"

/* Writes the outputs [column, column + columns) of pixel `at` of y, counted over all items: sums + bias +
 * addend (unless its data is NULL), and what is below 0 of that times its slope. */
void conv_output_write(const struct conv2d *conv, struct tensor y, struct tensor addend, size_t at,
                       size_t column, const float *sums, size_t columns);

#endif
