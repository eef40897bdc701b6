/*
 * weight_panels.h - weights, from the order and dtype of their file to the panels that tile_ops reads.
 */
#ifndef WEIGHT_PANELS_H
#define WEIGHT_PANELS_H

#include "kernels/gemm.h"
#include "kernels/tile_ops.h"

/* Rows of weights that are brought to f32 at a time, at most. */
#define WEIGHT_ROWS 16

/* panels [.. / panel][width, panel] = the transpose of rows [row, row + rows) and columns [col, col + width)
 * of w; where rows ends within a panel, the rest of that panel is 0.  bf16: as pairs of it, two neighbouring
 * columns in one, so that panels is [.. / panel][(width + 1) / 2, panel].  rows is TILE_COLUMNS at most, and
 * so panels holds TILE_COLUMNS * width values, aligned to 64 bytes; lines is scratch of WEIGHT_ROWS * width
 * values. */
void weight_panels(const struct matrix *w, size_t row, size_t rows, size_t col, size_t width, bool bf16,
                   float *panels, float *lines);

#endif
