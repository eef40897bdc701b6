/*
 * dtype.h - the number formats of weight files.
 *
 * A weight is a row of blocks: of one value in the plain formats, of 32 or 256 values that share scales in
 * the quantized ones, which are ggml's.  Blocks never reach past the end of a matrix' row.
 */
#ifndef DTYPE_H
#define DTYPE_H

#include <stdbool.h>
#include <stddef.h>

enum dtype {
#define DTYPE(name, text, values, bytes, scales, scales_at) DTYPE_##name,
#include "tensor/dtype.def"
#undef DTYPE
    DTYPE_COUNT
};

struct dtype_layout {
    const char *name;
    size_t values, bytes;     /* of a block */
    size_t scales, scales_at; /* so many f16 numbers begin at this byte of a block */
};

extern const struct dtype_layout dtype_layouts[DTYPE_COUNT];

/* Bytes of a block: of a value in the plain formats. */
static inline size_t dtype_size(enum dtype dtype)
{
    return dtype_layouts[dtype].bytes;
}

/* Bytes of count values, which are whole blocks. */
static inline size_t dtype_bytes(enum dtype dtype, size_t count)
{
    return count / dtype_layouts[dtype].values * dtype_layouts[dtype].bytes;
}

static inline bool dtype_is_quantized(enum dtype dtype)
{
    return dtype_layouts[dtype].values > 1;
}

static inline const char *dtype_name(enum dtype dtype)
{
    return dtype_layouts[dtype].name;
}

#endif
