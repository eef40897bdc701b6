/* test_gemm.c - products with weights of every dtype, in tiles. */
#include "kernels/gemm.h"

#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* A sum of k products in f32 is off by about sqrt(k) roundings of 6e-8, relative to its terms: 2e-6 at k =
 * 1280. BLAS keeps four partial sums at least, which halves that. */
#define BOUND 1e-6

enum mode { PLAIN, BIAS, ADDEND, BOTH, ADD_TO_Y, BOTH_TO_Y, MODES };

struct linear_run {
    float *y;
    const float *x, *bias, *addend;
    size_t m;
    struct matrix w;
};

static void run_linear(void *arg, struct exec *e)
{
    const struct linear_run *r = arg;

    gemm_linear(e, r->y, r->x, r->m, &r->w, r->bias, r->addend);
}

static double linear_error(size_t m, size_t n, size_t k, enum dtype dtype, enum mode mode, struct pool *pool)
{
    const bool biased = mode == BIAS || mode == BOTH || mode == BOTH_TO_Y, added = mode >= ADDEND;
    float *x = random_values(1, m * k), *bias = random_values(2, n), *addend = random_values(3, m * n);
    float *values = allocate(n * k, sizeof *values), *want = allocate(m * n, sizeof *want);
    void *weights = random_weights(4, dtype, n * k, values);
    /* What y holds before must not matter, not even where it is no number. */
    float *y = allocate(m * n, sizeof *y);
    struct linear_run r = {y, x, biased ? bias : NULL, added ? addend : NULL, m, {weights, dtype, n, k}};
    double error = 1;

    memset(y, 0xff, m * n * sizeof *y);
    linear_by_definition(want, x, values, r.bias, r.addend, m, n, k);
    if (mode >= ADD_TO_Y) {
        memcpy(y, addend, m * n * sizeof *y);
        r.addend = y;
    }
    if (run_exec(pool, run_linear, &r))
        error = check_relative_error(y, want, m * n);
    free(x);
    free(bias);
    free(addend);
    free(values);
    free(want);
    free(weights);
    free(y);
    return error;
}

TEST(linear_agrees_with_its_definition)
{
    static const struct {
        size_t m, n, k;
    } sizes[] = {
        {1, 1, 1},     {1, 320, 1280}, {1, 7, 5},    {2, 3, 1},     {7, 5, 3},      {63, 65, 17},
        {64, 64, 64},  {65, 63, 33},   {77, 96, 48}, {129, 321, 9}, {511, 319, 13}, {512, 320, 16},
        {513, 321, 7}, {1100, 20, 30}, {9, 700, 40}, {4, 4, 1100},
    };
    struct pool *pool;

    gemm_init();
    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++)
            for (int mode = PLAIN; mode < MODES; mode++) {
                const double error = linear_error(sizes[i].m, sizes[i].n, sizes[i].k, (enum dtype)dtype,
                                                  (enum mode)mode, pool);

                if (!(error <= BOUND))
                    check_failed(__FILE__, __LINE__, "%zu x %zu x %zu, %s, mode %d: %.2e", sizes[i].m,
                                 sizes[i].n, sizes[i].k, dtype_name((enum dtype)dtype), mode, error);
            }
    pool_free(pool);
}

TEST(a_product_of_strided_matrices)
{
    enum { M = 5, N = 6, K = 7, STRIDE = 11 };
    float *a = random_values(1, M * STRIDE), *b = random_values(2, STRIDE * STRIDE);
    float c[M * STRIDE], nt[M * N], want_nt[M * N];

    for (size_t i = 0; i < M * STRIDE; i++)
        c[i] = (float)i;
    gemm_nt(M, N, K, 0.5f, a, STRIDE, b, STRIDE, 2.0f, c, STRIDE);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < STRIDE; j++) {
            double sum = 2.0 * (double)(i * STRIDE + j);

            for (size_t k = 0; k < K; k++)
                sum += j < N ? 0.5 * (double)a[i * STRIDE + k] * (double)b[j * STRIDE + k] : 0;
            if (j < N) {
                nt[i * N + j] = c[i * STRIDE + j];
                want_nt[i * N + j] = (float)sum;
            } else {
                CHECK(c[i * STRIDE + j] == (float)(i * STRIDE + j));
            }
        }
    CHECK(check_relative_error(nt, want_nt, M * N) <= BOUND);
    free(a);
    free(b);
}

TEST(a_block_of_a_matrix_in_every_dtype)
{
    enum { ROWS = 9, COLS = 13, ROW = 2, COUNT_ROWS = 5, COL = 3, WIDTH = 7 };
    float values[ROWS * COLS], scratch[COUNT_ROWS * WIDTH];

    for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) {
        void *weights = random_weights(5, (enum dtype)dtype, ROWS * COLS, values);
        const struct matrix w = {weights, (enum dtype)dtype, ROWS, COLS};
        size_t stride = 0;
        const float *block = matrix_block(&w, ROW, COUNT_ROWS, COL, WIDTH, scratch, &stride);

        for (size_t i = 0; i < COUNT_ROWS; i++)
            for (size_t j = 0; j < WIDTH; j++)
                CHECK(block[i * stride + j] == values[(ROW + i) * COLS + COL + j]);
        free(weights);
    }
}
