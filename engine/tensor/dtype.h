/*
 * dtype.h - the number formats of weight files.
 */
#ifndef DTYPE_H
#define DTYPE_H

#include <stddef.h>

enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16 };

static inline size_t dtype_size(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : 2;
}

static inline const char *dtype_name(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? "f32" : dtype == DTYPE_F16 ? "f16" : "bf16";
}

#endif
