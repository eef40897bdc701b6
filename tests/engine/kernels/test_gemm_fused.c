/* test_gemm_fused.c - products that share their input or their tiles' ends. */
#include "kernels/gemm_fused.h"

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

static double geglu_error(size_t m, size_t n, size_t k, enum dtype dtype, struct pool *pool)
{
    float *x = random_values(1, m * k), *bias = random_values(2, 2 * n);
    float *values = allocate(2 * n * k, sizeof *values), *both = allocate(m * 2 * n, sizeof *both);
    void *weights = random_weights(4, dtype, 2 * n * k, values);
    float *y = allocate(m * n, sizeof *y), *want = allocate(m * n, sizeof *want);
    struct geglu_run r = {y, x, bias, m, {weights, dtype, 2 * n, k}};
    double error = 1;

    memset(y, 0xff, m * n * sizeof *y);
    linear_by_definition(both, x, values, bias, NULL, m, 2 * n, k);
    for (size_t i = 0; i < m * n; i++) {
        const float *row = both + i / n * 2 * n;

        want[i] = (float)((double)row[i % n] * gelu_by_definition((double)row[n + i % n]));
    }
    if (run_exec(pool, run_geglu, &r))
        error = check_relative_error(y, want, m * n);
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
        for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) {
            const double error = geglu_error(sizes[i].m, sizes[i].n, sizes[i].k, (enum dtype)dtype, pool);

            if (!(error <= BOUND))
                check_failed(__FILE__, __LINE__, "%zu x %zu x %zu, %s: %.2e", sizes[i].m, sizes[i].n,
                             sizes[i].k, dtype_name((enum dtype)dtype), error);
        }
    pool_free(pool);
}

enum { LAYERS = 3 };

struct linears_run {
    struct gemm_output out[LAYERS];
    const float *x;
    size_t m;
};

static void run_linears(void *arg, struct exec *e)
{
    const struct linears_run *r = arg;

    gemm_linears(e, r->out, LAYERS, r->x, r->m);
}

static void run_one_by_one(void *arg, struct exec *e)
{
    const struct linears_run *r = arg;

    for (size_t i = 0; i < LAYERS; i++)
        gemm_linear(e, r->out[i].y, r->x, r->m, r->out[i].w, r->out[i].bias, NULL);
}

static void check_linears(size_t m, size_t n, size_t k, struct pool *pool)
{
    static const enum dtype dtypes[LAYERS] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16};
    float *x = random_values(1, m * k), *values = allocate(n * k, sizeof *values), *want[LAYERS];
    struct matrix w[LAYERS];
    struct linears_run r = {.x = x, .m = m};

    for (size_t i = 0; i < LAYERS; i++) {
        w[i] = (struct matrix){random_weights(i + 3, dtypes[i], n * k, values), dtypes[i], n, k};
        want[i] = allocate(m * n, sizeof *x);
        r.out[i] = (struct gemm_output){want[i], &w[i], i == 1 ? NULL : random_values(i + 6, n)};
    }
    CHECK(run_exec(pool, run_one_by_one, &r));
    for (size_t i = 0; i < LAYERS; i++) {
        r.out[i].y = allocate(m * n, sizeof *x);
        memset(r.out[i].y, 0xff, m * n * sizeof *x);
    }
    CHECK(run_exec(pool, run_linears, &r));
    for (size_t i = 0; i < LAYERS; i++) {
        if (memcmp(r.out[i].y, want[i], m * n * sizeof *x) != 0)
            check_failed(__FILE__, __LINE__, "%zu x %zu x %zu: layer %zu differs", m, n, k, i);
        free(r.out[i].y);
        free((float *)r.out[i].bias);
        free((void *)w[i].data);
        free(want[i]);
    }
    free(values);
    free(x);
}

TEST(linears_are_what_each_is_alone)
{
    struct pool *pool;

    gemm_init();
    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    check_linears(1, 1, 1, pool);
    check_linears(77, 96, 48, pool);
    check_linears(1100, 330, 20, pool);
    check_linears(4, 700, 33, pool);
    pool_free(pool);
}
