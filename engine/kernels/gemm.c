#include "kernels/gemm.h"

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/vector_ops.h"

bool gemm_init(void)
{
    openblas_set_num_threads(1);
    return openblas_get_parallel() != OPENBLAS_OPENMP;
}

const char *gemm_core_name(void)
{
    return openblas_get_corename();
}

void gemm_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void gemm_nn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

const float *matrix_block(const struct matrix *w, size_t row, size_t count, size_t col, size_t width,
                          float *scratch, size_t *stride)
{
    const struct vector_ops *v = vector_ops();
    const size_t first = row * w->cols + col;

    if (w->dtype == DTYPE_F32) {
        *stride = w->cols;
        return (const float *)w->data + first;
    }
    for (size_t i = 0; i < count; i++) {
        const uint16_t *from = (const uint16_t *)w->data + first + i * w->cols;

        (w->dtype == DTYPE_F16 ? v->f16_to_f32 : v->bf16_to_f32)(scratch + i * width, from, width);
    }
    *stride = width;
    return scratch;
}

struct gemm_plan gemm_plan(size_t m, size_t n)
{
    struct gemm_plan p = {.m_tile = m < 1024 ? m : 1024, .n_tile = n < 320 ? n : 320};

    /* At least 8 tiles, for up to 4 threads to share evenly, but none so small that the call costs more than
     * it does: first fewer columns, while a tile has more than it has rows, since rows share one conversion
     * of the weights. */
    for (;;) {
        p.m_tiles = (m + p.m_tile - 1) / p.m_tile;
        p.n_tiles = (n + p.n_tile - 1) / p.n_tile;
        if (p.m_tiles * p.n_tiles >= 8 || (p.m_tile <= 64 && p.n_tile <= 64))
            return p;
        if (p.n_tile > 64 && p.n_tile >= p.m_tile / 2)
            p.n_tile = (p.n_tile / 2 + 15) / 16 * 16;
        else
            p.m_tile = (p.m_tile / 2 + 15) / 16 * 16;
    }
}

struct linear_job {
    struct gemm_plan plan;
    const struct matrix *w;
    const float *x, *bias, *addend;
    float *y;
    size_t m;
};

bool gemm_start_tile(float *y, const float *addend, const float *bias, size_t n, size_t row, size_t rows,
                     size_t col, size_t cols)
{
    const struct vector_ops *v = vector_ops();

    for (size_t at = row * n + col; rows > 0; rows--, at += n) {
        if (addend && bias)
            v->scaled_add(y + at, addend + at, bias + col, 1.0f, cols);
        else if (addend && addend != y)
            memcpy(y + at, addend + at, cols * sizeof *y);
        else if (bias)
            memcpy(y + at, bias + col, cols * sizeof *y);
    }
    return addend || bias;
}

static void linear_tile(void *arg, size_t tile, void *scratch)
{
    const struct linear_job *j = arg;
    const size_t n = j->w->rows, k = j->w->cols;
    /* Tiles that share weights stand side by side. */
    const size_t row = tile % j->plan.m_tiles * j->plan.m_tile, col = tile / j->plan.m_tiles * j->plan.n_tile;
    const size_t rows = j->m - row < j->plan.m_tile ? j->m - row : j->plan.m_tile;
    const size_t cols = n - col < j->plan.n_tile ? n - col : j->plan.n_tile;
    size_t stride;
    const float *w = matrix_block(j->w, col, cols, 0, k, scratch, &stride);
    const bool add = gemm_start_tile(j->y, j->addend, j->bias, n, row, rows, col, cols);

    gemm_nt(rows, cols, k, 1.0f, j->x + row * k, k, w, stride, add ? 1.0f : 0.0f, j->y + row * n + col, n);
}

void gemm_linear(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w,
                 const float *bias, const float *addend)
{
    struct linear_job j = {gemm_plan(m, w->rows), w, x, bias, addend, y, m};
    const size_t scratch = w->dtype == DTYPE_F32 ? 0 : j.plan.n_tile * w->cols * sizeof(float);

    exec_count_product(e, m, w->rows, w->cols);
    exec_tiles(e, LTD_OPERATOR_LINEAR, j.plan.m_tiles * j.plan.n_tiles, scratch, linear_tile, &j);
}
