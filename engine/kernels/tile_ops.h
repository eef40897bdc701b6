/*
 * tile_ops.h - the inner loops of matrix products and convolutions, at the instruction-set level that
 * vector_ops() has chosen.
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
    size_t panel; /* outputs side by side; divides TILE_COLUMNS */
#define TILE_OP(type, name, parameters) type(*name) parameters;
#include "kernels/tile_ops.def"
#undef TILE_OP
};

const struct tile_ops *tile_ops(void);

#endif
