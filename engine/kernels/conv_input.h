/*
 * conv_input.h - where the inputs of a convolution are, for all ways to convolve.
 */
#ifndef CONV_INPUT_H
#define CONV_INPUT_H

#include "kernels/conv2d.h"

/* The pixel at row y and column x of item n of the padded input (which begins pad_before before the input),
 * or NULL where the padding is.  out: the convolution's output, whose size says how far an input is
 * stretched. */
const float *conv_input_pixel(const struct conv2d *conv, struct tensor in, struct tensor out, size_t n,
                              size_t y, size_t x);

#endif
