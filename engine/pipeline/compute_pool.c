#include "pipeline/compute_pool.h"

#include <sched.h>
#include <unistd.h>

#include <latentd/limits.h>

#include "kernels/gemm.h"

/* Those that this process may use. */
static int processors(void)
{
    cpu_set_t mask;

    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask)
                                                         : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

enum ltd_status compute_pool_threads(int *threads, struct ltd_error *err)
{
    const int cores = processors();

    if (*threads < 0 || *threads > LTD_MAX_THREADS)
        return ltd_fail(err, LTD_EINVAL, "a session has 1 to %d compute threads, not %d", LTD_MAX_THREADS,
                        *threads);
    if (*threads == 0)
        *threads = cores < 1 ? 1 : cores > LTD_MAX_THREADS ? LTD_MAX_THREADS : cores;
    return LTD_OK;
}

enum ltd_status compute_pool_new(int threads, struct pool **out, struct ltd_error *err)
{
    enum ltd_status st = compute_pool_threads(&threads, err);

    if (st != LTD_OK)
        return st;
    if (!gemm_init())
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "this OpenBLAS is built with OpenMP; install libopenblas0-pthread");
    return pool_new(threads, out, err);
}
