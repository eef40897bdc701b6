/* test_gemm_linear.c - products whose second half gates the first. */
#include "kernels/gemm.h"

#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* Twice what one product may be off (test_gemm.c): both halves are products. */
#define BOUND 2e-6

struct geglu_run {
    float *y;
    const float *x, *bias;
    size_t m;
    struct matrix w;
};

static void run_geglu(void *arg, struct exec *e)
{
    const struct geglu_run *r = arg;

    gemm_geglu(e, r->y, r->x, r->m, &r->w, r->bias);
}

/* Of bf16 the operands are rounded as the definition rounds them: what is left is the rounding of sums. */
static void narrow_values(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)nearest_bf16((double)values[i]);
}

static double geglu_error(size_t m, size_t n, size_t k, enum dtype dtype, bool bf16, struct pool *pool)
{
    float *x = random_values(1, m * k), *bias = random_values(2, 2 * n);
    float *values = allocate(2 * n * k, sizeof *values), *both = allocate(m * 2 * n, sizeof *both);
    void *weights = random_weights(4, dtype, 2 * n * k, values);
    float *y = allocate(m * n, sizeof *y), *want = allocate(m * n, sizeof *want);
    struct geglu_run r = {y, x, bias, m, {weights, dtype, 2 * n, k}};
    double error = 1;

    memset(y, 0xff, m * n * sizeof *y);
    if (run_exec_by(pool, bf16, run_geglu, &r)) {
        if (bf16) {
            narrow_values(x, m * k);
            narrow_values(values, 2 * n * k);
        }
        linear_by_definition(both, x, values, bias, NULL, m, 2 * n, k);
        for (size_t i = 0; i < m * n; i++) {
            const float *row = both + i / n * 2 * n;

            want[i] = (float)((double)row[i % n] * gelu_by_definition((double)row[n + i % n]));
        }
        error = check_relative_error(y, want, m * n);
    }
    free(x);
    free(bias);
    free(values);
    free(both);
    free(weights);
    free(y);
    free(want);
    return error;
}

TEST(geglu_gates_the_first_half_by_the_second)
{
    static const struct {
        size_t m, n, k;
    } sizes[] = {{1, 1, 1},     {1, 7, 5},     {7, 5, 3},    {64, 64, 64},   {77, 96, 48},
                 {513, 321, 7}, {1100, 20, 9}, {9, 700, 40}, {1025, 640, 16}};
    struct pool *pool;

    gemm_init();
    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int way = 0; way < 2 * (DTYPE_BF16 + 1); way++) {
            const enum dtype dtype = (enum dtype)(way / 2);
            const double error = geglu_error(sizes[i].m, sizes[i].n, sizes[i].k, dtype, way % 2, pool);

            if (!(error <= BOUND))
                check_failed(__FILE__, __LINE__, "%zu x %zu x %zu, %s%s: %.2e", sizes[i].m, sizes[i].n,
                             sizes[i].k, dtype_name(dtype), way % 2 ? " by bf16" : "", error);
        }
    pool_free(pool);
}

struct rows_run {
    float *y;
    const float *x;
    size_t m;
    struct matrix w;
};

static void run_rows(void *arg, struct exec *e)
{
    const struct rows_run *r = arg;

    gemm_linear(e, r->y, r->x, r->m, &r->w, NULL, NULL);
}

static void check_rows(bool bf16)
{
    enum { M = 900, N = 200, K = 701 };
    static const size_t counts[] = {1, 2, 7, 77, 385, 899};
    float *x = random_values(1, M * K), *weights = random_values(2, N * K);
    float *want = allocate(M * N, sizeof *want), *got = allocate(M * N, sizeof *got);

    for (int threads = 1; threads <= 7; threads += threads < 4 ? 1 : 3) {
        struct rows_run r = {want, x, M, {weights, DTYPE_F32, N, K}};
        struct pool *pool;

        REQUIRE(pool_new(threads, &pool, NULL) == LTD_OK);
        CHECK(run_exec_by(pool, bf16, run_rows, &r));
        r.y = got;
        for (size_t i = 0; i < COUNT(counts); i++) {
            r.m = counts[i];
            r.x = x + (M - r.m) * K;
            CHECK(run_exec_by(pool, bf16, run_rows, &r));
            if (memcmp(got, want + (M - r.m) * N, r.m * N * sizeof *got) != 0)
                check_failed(__FILE__, __LINE__, "%zu of %d rows on %d threads have other bytes%s", r.m, M,
                             threads, bf16 ? " by bf16" : "");
        }
        pool_free(pool);
    }
    free(x);
    free(weights);
    free(want);
    free(got);
}

TEST(a_rows_product_has_the_same_bytes_among_any_others)
{
    check_rows(false);
    check_rows(true);
}
