/*
 * gemm_fused.h - products with weights that share their input or their tiles' ends.
 */
#ifndef GEMM_FUSED_H
#define GEMM_FUSED_H

#include "kernels/gemm.h"

/* One of several products with the same input: y [m, w->rows] = x w^T + bias [w->rows], or NULL. */
struct gemm_output {
    float *y;
    const struct matrix *w;
    const float *bias;
};

/* All of them, in one loop over tiles.  x [m, k]; every w is [n, k] for one n and k, in any dtype.  The same
 * values as by gemm_linear. */
void gemm_linears(struct exec *e, const struct gemm_output *out, size_t count, const float *x, size_t m);

/* y [m, n] = h * gelu(g), where [h | g] [m, 2n] = x [m, k] w^T + bias [2n] (Shazeer 2020, "GLU variants", as
 * diffusers orders the halves).  w is [2n, k]; [h | g] is never stored whole. */
void gemm_geglu(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w,
                const float *bias);

#endif
