/*
 * tile_ops.h - the inner loops of matrix products and convolutions, at the instruction-set level that
 * vector_ops() has chosen.
 *
 * Operands are f32, or bf16 with sums in f32 (Kalamkar et al. 2019, arXiv 1905.12322): then two neighbours on
 * the way along the depth, the first in the low half, stand where one f32 would, and everything that moves
 * whole rows and panels is the same.
 */
#ifndef TILE_OPS_H
#define TILE_OPS_H

#include <stdbool.h>
#include <stddef.h>

/* A convolution is summed up in pieces of so many input channels and so many output channels: their weights,
 * transformed for Winograd's algorithm, are 590 KB, which an L2 cache holds. */
#define TILE_DEPTH   64
#define TILE_COLUMNS 64

struct tile_ops {
    const char *isa;
    size_t panel;   /* outputs side by side; divides TILE_COLUMNS */
    bool has_pairs; /* the processor multiplies bf16; else that is slower than f32 */
#define TILE_OP(type, name, parameters) type(*name) parameters;
#include "kernels/tile_ops.def"
#undef TILE_OP
};

const struct tile_ops *tile_ops(void);

#endif
