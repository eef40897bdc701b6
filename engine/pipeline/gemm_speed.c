/*
 * gemm_speed.c - the machine's rate in plain matrix products, which everything else is compared with.
 */
#include <latentd/cost.h>

#include <stdlib.h>
#include <time.h>

#include "kernels/gemm.h"
#include "pipeline/compute_pool.h"

/* Large enough for OpenBLAS to reach its best, and about 10 ms of one core. */
enum { SIDE = 1024, MATRIX = SIDE * SIDE, ROUNDS_A_THREAD = 4 };

struct products {
    float *matrices; /* three for each thread */
};

static void multiply(void *arg, size_t tile, int lane)
{
    const struct products *p = arg;
    float *a = p->matrices + (size_t)lane * 3 * MATRIX, *b = a + MATRIX, *c = b + MATRIX;

    (void)tile;
    gemm_nt(SIDE, SIDE, SIDE, 1.0F, a, SIDE, b, SIDE, 0.0F, c, SIDE);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* After a first loop, in which threads and memory wake up. */
static double measure(struct pool *pool, struct products *p, double length)
{
    const size_t products = ROUNDS_A_THREAD * (size_t)pool_threads(pool);
    double begun, now, flop = 0;

    pool_run(pool, products, multiply, p, NULL);
    begun = seconds();
    do {
        pool_run(pool, products, multiply, p, NULL);
        flop += 2.0 * SIDE * MATRIX * (double)products;
        now = seconds();
    } while (now - begun < length);
    return flop / (now - begun);
}

enum ltd_status ltd_sgemm_speed(int threads, double length, double *flop_per_second, struct ltd_error *err)
{
    struct pool *pool = NULL;
    struct products p = {NULL};
    enum ltd_status st = compute_pool_new(threads, &pool, err);
    size_t count;

    if (st != LTD_OK)
        return st;
    count = (size_t)pool_threads(pool) * 3 * MATRIX;
    p.matrices = malloc(count * sizeof *p.matrices);
    if (p.matrices) {
        for (size_t i = 0; i < count; i++)
            p.matrices[i] = (float)(i * 2654435761U % 1000) * 1e-3F - 0.5F;
        *flop_per_second = measure(pool, &p, length);
    } else {
        st = ltd_fail(err, LTD_ENOMEM, "no memory for matrices of %d x %d", SIDE, SIDE);
    }
    free(p.matrices);
    pool_free(pool);
    return st;
}
