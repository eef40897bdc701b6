/*
 * lanes.h - a register of the instruction-set level that a file is compiled for, in the vector extension of
 * gcc and clang.
 */
#ifndef LANES_H
#define LANES_H

#include <stdint.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(4 * LANES), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), may_alias));

/* For loops whose bounds, or whose kind, are constants of the caller. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
