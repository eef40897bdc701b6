#include "kernels/gemm_fused.h"

#include <string.h>

#include "kernels/vector_ops.h"

/* Rows of a tile with a gate: both of its halves stay in the L2 cache until they are one. */
#define GATED_ROWS 512

struct linears_job {
    struct gemm_plan plan;
    const struct gemm_output *out;
    size_t count, m;
    const float *x;
};

static void linears_tile(void *arg, size_t tile, void *scratch)
{
    const struct linears_job *j = arg;
    /* Tiles that share rows of x stand side by side. */
    const size_t across = j->count * j->plan.n_tiles, in_row = tile % across;
    const struct gemm_output *o = &j->out[in_row / j->plan.n_tiles];
    const size_t n = o->w->rows, k = o->w->cols;
    const size_t row = tile / across * j->plan.m_tile, col = in_row % j->plan.n_tiles * j->plan.n_tile;
    const size_t rows = j->m - row < j->plan.m_tile ? j->m - row : j->plan.m_tile;
    const size_t cols = n - col < j->plan.n_tile ? n - col : j->plan.n_tile;
    size_t stride;
    const float *w = matrix_block(o->w, col, cols, 0, k, scratch, &stride);
    const bool add = gemm_start_tile(o->y, NULL, o->bias, n, row, rows, col, cols);

    gemm_nt(rows, cols, k, 1.0f, j->x + row * k, k, w, stride, add ? 1.0f : 0.0f, o->y + row * n + col, n);
}

void gemm_linears(struct exec *e, const struct gemm_output *out, size_t count, const float *x, size_t m)
{
    const size_t n = out->w->rows, k = out->w->cols;
    struct linears_job j = {.plan = gemm_plan(m, n), .out = out, .count = count, .m = m, .x = x};

    for (size_t i = 0; i < count; i++)
        exec_count_product(e, m, n, k);
    exec_tiles(e, j.plan.m_tiles * count * j.plan.n_tiles, j.plan.n_tile * k * sizeof(float), linears_tile,
               &j);
}

struct geglu_job {
    struct gemm_plan plan;
    const struct matrix *w;
    const float *x, *bias;
    float *y;
    size_t m;
};

/* c [rows, cols] = x w^T + bias for some rows of x and of w. */
static void product(const struct geglu_job *j, float *c, const float *x, size_t rows, size_t col, size_t cols,
                    float *converted)
{
    const size_t k = j->w->cols;
    size_t stride;
    const float *w = matrix_block(j->w, col, cols, 0, k, converted, &stride);

    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * cols, j->bias + col, cols * sizeof *c);
    gemm_nt(rows, cols, k, 1.0f, x, k, w, stride, 1.0f, c, cols);
}

static void geglu_tile(void *arg, size_t tile, void *scratch)
{
    const struct geglu_job *j = arg;
    const size_t n = j->w->rows / 2, k = j->w->cols;
    const size_t row = tile % j->plan.m_tiles * j->plan.m_tile, col = tile / j->plan.m_tiles * j->plan.n_tile;
    const size_t rows = j->m - row < j->plan.m_tile ? j->m - row : j->plan.m_tile;
    const size_t cols = n - col < j->plan.n_tile ? n - col : j->plan.n_tile;
    /* Both halves apart from y, whose rows lie further from each other. */
    float *hidden = scratch, *gate = hidden + j->plan.m_tile * j->plan.n_tile;
    float *converted = gate + j->plan.m_tile * j->plan.n_tile;

    product(j, hidden, j->x + row * k, rows, col, cols, converted);
    product(j, gate, j->x + row * k, rows, n + col, cols, converted);
    for (size_t i = 0; i < rows; i++)
        vector_ops()->mul_gelu(j->y + (row + i) * n + col, hidden + i * cols, gate + i * cols, cols);
}

void gemm_geglu(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w, const float *bias)
{
    const size_t n = w->rows / 2, k = w->cols;
    struct geglu_job j = {.plan = gemm_plan(m, n), .w = w, .x = x, .bias = bias, .y = y, .m = m};
    size_t scratch;

    if (j.plan.m_tile > GATED_ROWS) {
        j.plan.m_tile = GATED_ROWS;
        j.plan.m_tiles = (m + GATED_ROWS - 1) / GATED_ROWS;
    }
    scratch = 2 * j.plan.m_tile * j.plan.n_tile + (w->dtype == DTYPE_F32 ? 0 : j.plan.n_tile * k);
    exec_count_product(e, m, w->rows, k);
    exec_tiles(e, j.plan.m_tiles * j.plan.n_tiles, scratch * sizeof(float), geglu_tile, &j);
}
