/*
 * kernel_times.c - times single kernels at the sizes that Stable Diffusion gives them.
 *
 *   kernel_times [--threads N] [--repeats N] [NAME...]
 *
 * One line a case whose name contains a NAME: the least time of all repeats, and the GF/s of its products.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/attention.h"
#include "kernels/gemm.h"
#include "kernels/group_norm.h"
#include "kernels/vector_ops.h"

struct times_case {
    const char *name;
    void (*run)(const struct times_case *c, struct exec *e, const struct tensor *t);
    size_t n, tokens, keys, heads, channels;
};

/* What a case works on, of which it takes what it needs: filled alike, so that no denormal number slows it.
 */
enum { Q, K, V, OUT, WEIGHTS, TENSORS };

static void run_attention(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    attention(e, t[OUT], t[Q], t[K], t[V], c->heads, 1 / sqrt((double)(c->channels / c->heads)), false);
}

/* A product of the size of all U-Net layers, to see what BLAS reaches in the same minute. */
static void run_sgemm(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    const struct matrix w = {t[K].data, DTYPE_F32, c->channels, c->channels};

    gemm_linear(e, t[OUT].data, t[Q].data, c->n * c->tokens, &w, NULL, NULL);
}

static void run_qkv(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    const struct matrix w = {t[WEIGHTS].data, DTYPE_F16, c->channels, c->channels};

    gemm_linear(e, t[K].data, t[Q].data, c->n * c->tokens, &w, NULL, NULL);
    gemm_linear(e, t[V].data, t[Q].data, c->n * c->tokens, &w, NULL, NULL);
    gemm_linear(e, t[OUT].data, t[Q].data, c->n * c->tokens, &w, NULL, NULL);
}

static void run_geglu(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    const struct matrix w = {t[WEIGHTS].data, DTYPE_F16, 8 * c->channels, c->channels};

    gemm_geglu(e, t[OUT].data, t[Q].data, c->n * c->tokens, &w, t[K].data);
}

static void run_group_norm(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    const struct group_norm norm = {t[K].data, t[V].data, 32, 1e-5};

    (void)c;
    group_norm(e, t[OUT], t[Q], &norm, true);
}

static void run_layer_norm(const struct times_case *c, struct exec *e, const struct tensor *t)
{
    const struct layer_norm norm = {t[K].data, t[V].data, 1e-5};

    (void)c;
    layer_norm(e, t[OUT], t[Q], &norm);
}

static const struct times_case cases[] = {
    /* name                                      n  tokens keys heads channels */
    {"sgemm 8192 x 640 x 640", run_sgemm, 2, 4096, 4096, 1, 640},
    {"attention 4096, 8 heads of 40", run_attention, 2, 4096, 4096, 8, 320},
    {"attention 1024, 8 heads of 80", run_attention, 2, 1024, 1024, 8, 640},
    {"attention 256, 8 heads of 160", run_attention, 2, 256, 256, 8, 1280},
    {"attention 64, 8 heads of 160", run_attention, 2, 64, 64, 8, 1280},
    {"attention 4096, 5 heads of 64", run_attention, 2, 4096, 4096, 5, 320},
    {"attention 4096, 1 head of 512", run_attention, 1, 4096, 4096, 1, 512},
    {"attention 4096 x 77, 8 heads of 40", run_attention, 2, 4096, 77, 8, 320},
    {"attention 1024 x 77, 8 heads of 80", run_attention, 2, 1024, 77, 8, 640},
    {"attention 256 x 77, 8 heads of 160", run_attention, 2, 256, 77, 8, 1280},
    {"q, k, v 8192 x 320 x 320", run_qkv, 2, 4096, 4096, 1, 320},
    {"q, k, v 2048 x 640 x 640", run_qkv, 2, 1024, 1024, 1, 640},
    {"q, k, v 512 x 1280 x 1280", run_qkv, 2, 256, 256, 1, 1280},
    {"geglu 8192 x 2560 x 320", run_geglu, 2, 4096, 4096, 1, 320},
    {"geglu 2048 x 5120 x 640", run_geglu, 2, 1024, 1024, 1, 640},
    {"geglu 512 x 10240 x 1280", run_geglu, 2, 256, 256, 1, 1280},
    {"geglu 128 x 10240 x 1280", run_geglu, 2, 64, 64, 1, 1280},
    {"group norm, silu, 8192 x 320", run_group_norm, 2, 4096, 4096, 1, 320},
    {"group norm, silu, 8192 x 960", run_group_norm, 2, 4096, 4096, 1, 960},
    {"group norm, silu, 2048 x 640", run_group_norm, 2, 1024, 1024, 1, 640},
    {"group norm, silu, 512 x 1280", run_group_norm, 2, 256, 256, 1, 1280},
    {"group norm, silu, 262144 x 128", run_group_norm, 1, 262144, 1, 1, 128},
    {"layer norm 8192 x 320", run_layer_norm, 2, 4096, 4096, 1, 320},
    {"layer norm 2048 x 640", run_layer_norm, 2, 1024, 1024, 1, 640},
    {"layer norm 512 x 1280", run_layer_norm, 2, 256, 256, 1, 1280},
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct tensor filled(size_t n, size_t tokens, size_t c)
{
    struct tensor t = {malloc(n * tokens * c * sizeof(float)), n, tokens, 1, c};

    if (!t.data)
        exit(1);
    for (size_t i = 0; i < tensor_count(t); i++)
        t.data[i] = (float)(i * 2654435761u % 1000) / 500.0f - 1.0f;
    return t;
}

/* n values of 1/32 to 1/16, two in the place of one f32. */
static struct tensor f16_weights(size_t n)
{
    struct tensor t = {malloc(n * sizeof(uint16_t)), 1, 1, 1, n / 2};
    uint16_t *values = (uint16_t *)t.data;

    if (!values)
        exit(1);
    for (size_t i = 0; i < n; i++)
        values[i] = (uint16_t)(0x2800 + i * 2654435761u % 0x400 + (i % 2) * 0x8000);
    return t;
}

static void time_case(const struct times_case *c, struct pool *pool, int repeats)
{
    struct tensor t[TENSORS] = {filled(c->n, c->tokens, c->channels), filled(c->n, c->keys, c->channels),
                                filled(c->n, c->keys, c->channels), filled(c->n, c->tokens, 4 * c->channels),
                                f16_weights(8 * c->channels * c->channels)};
    struct arena dry_arena, arena = {0};
    struct exec dry = {.arena = &dry_arena}, e = {.arena = &arena, .pool = pool};
    double least = INFINITY;
    size_t lanes;

    arena_init_dry(&dry_arena);
    c->run(c, &dry, t);
    lanes = dry.lane_bytes * (size_t)pool_threads(pool);
    if (arena_reserve(&arena, dry_arena.peak + lanes + ARENA_ALIGN, NULL) != LTD_OK)
        exit(1);
    exec_set_lanes(&e, arena_alloc(&arena, lanes, 1), dry.lane_bytes);
    for (int i = 0; i < repeats; i++) {
        const double begun = seconds();

        c->run(c, &e, t);
        least = fmin(least, seconds() - begun);
    }
    printf("%-40s %9.3f ms", c->name, least * 1e3);
    if (dry.flop > 0)
        printf(" %8.1f GF/s", dry.flop / least * 1e-9);
    printf("\n");
    arena_fini(&arena);
    for (size_t i = 0; i < TENSORS; i++)
        free(t[i].data);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"repeats", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    int threads = 2, repeats = 5, option;
    struct pool *pool;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        threads = option == 't' ? atoi(optarg) : threads;
        repeats = option == 'r' ? atoi(optarg) : repeats;
    }
    gemm_init();
    if (threads < 1 || pool_new(threads, &pool, NULL) != LTD_OK)
        return 1;
    printf("%s, OpenBLAS %s, threads: %d\n", vector_ops()->isa, gemm_core_name(), threads);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool asked = optind == argc;

        for (int k = optind; k < argc; k++)
            asked = asked || strstr(cases[i].name, argv[k]);
        if (asked)
            time_case(&cases[i], pool, repeats);
    }
    pool_free(pool);
    return 0;
}
