/*
 * gemm.h - matrix products with weights; the tree's only user of BLAS.
 *
 * Products with weights run on tile_ops.  What BLAS makes of a row depends on how many rows there are and on
 * the kind of processor, so that a picture's bytes would; here they depend on neither, at the same speed or a
 * better one.  BLAS is the measure of the machine (ltd_sgemm_speed).
 */
#ifndef GEMM_H
#define GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "tensor/dtype.h"
#include "tensor/exec.h"

/* A weight matrix [rows, cols], row-major, in its file's dtype. */
struct matrix {
    const void *data; /* aligned to its dtype, but quantized at any address */
    enum dtype dtype;
    size_t rows, cols;
};

/* Holds OpenBLAS to one thread a call.  Once a process is enough, more do no harm.  False: this OpenBLAS is
 * built with OpenMP, where that holds for the calling thread alone, and it would measure something else. */
bool gemm_init(void);

/* The kind of processor whose kernels OpenBLAS has chosen ("SkylakeX"); static storage. */
const char *gemm_core_name(void);

/* c [m, n] (row stride ldc) = alpha * a [m, k] (lda) times b [n, k] (ldb) transposed, + beta * c.  On this
 * thread. */
void gemm_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc);

/* Rows [row, row + count) and columns [col, col + width) of w as f32: w itself where it is f32 already, with
 * its own row stride, else converted into scratch [count, width]. */
const float *matrix_block(const struct matrix *w, size_t row, size_t count, size_t col, size_t width,
                          float *scratch, size_t *stride);

/* Of the products below x and w are rounded to bf16 where e->bf16 says so; everything else is f32. */

/* y [m, n] = x [m, k] w^T + bias, and + addend [m, n] unless NULL (which may be y).  w is [n, k]; bias [n] or
 * NULL. */
void gemm_linear(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w,
                 const float *bias, const float *addend);

/* y [m, n] = h * gelu(g), where [h | g] [m, 2n] = x [m, k] w^T + bias [2n] (Shazeer 2020, "GLU variants", as
 * diffusers orders the halves).  w is [2n, k]; [h | g] is never stored whole. */
void gemm_geglu(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w,
                const float *bias);

#endif
