/*
 * dequantize.h - quantized weights as f32.
 *
 * The blocks are ggml's (ggml-common.h, "block_q4_0" and its likes), and so is the order of the roundings
 * (dequantize_row_* of its quants.c): what is made here is what ggml makes of a block, to the last bit where
 * products and sums are not fused.
 */
#ifndef DEQUANTIZE_H
#define DEQUANTIZE_H

#include <stddef.h>

#include "tensor/dtype.h"

/* out [count] = values [first, first + count) of a row of blocks of a quantized format, at any address. */
void dequantize(float *out, enum dtype dtype, const void *blocks, size_t first, size_t count);

#endif
