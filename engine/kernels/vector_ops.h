/*
 * vector_ops.h - the row routines that BLAS lacks, at the best instruction-set level of this machine.
 *
 * Each level is the same source (vector_ops_isa.c) under other compiler flags; which one runs is decided at
 * run time. Results differ between levels in the last bits (fused multiply-add), and are equal on one level.
 */
#ifndef VECTOR_OPS_H
#define VECTOR_OPS_H

#include <stddef.h>
#include <stdint.h>

struct vector_ops {
    const char *isa; /* a name of isa_levels.def */
#define VECTOR_OP(type, name, parameters) type(*name) parameters;
#include "kernels/vector_ops.def"
#undef VECTOR_OP
};

/* The level in use: the best that the processor has, or a lower one named by the environment variable
 * LATENTD_ISA (for tests); a level that the processor lacks is never used. */
const struct vector_ops *vector_ops(void);

/* y [n] = sums + bias + addend, which may be NULL; the addend may be y. */
void vector_ops_write_sums(const struct vector_ops *v, float *y, const float *sums, const float *bias,
                           const float *addend, size_t n);

/* A level by name, or by NULL the best; NULL if this build or this processor does not have it. */
const struct vector_ops *vector_ops_find(const char *isa);

#endif
