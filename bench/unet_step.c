/*
 * unet_step.c - times one U-Net step of a model, with guidance (two rows), on demand.
 *
 *   unet_step MODEL_FOLDER [--threads N] [--side PIXELS]
 *
 * Prints a JSON line when the model is open, then for each line on standard input runs one step and prints
 * its seconds, so that bench/compare_torch.py can take turns with a peer.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/gemm.h"
#include "kernels/vector_ops.h"
#include "pipeline/model_parts.h"

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Values of the size that latents and text embeddings have; times do not depend on them. */
static struct tensor filled(size_t n, size_t h, size_t w, size_t c)
{
    struct tensor t = {malloc(n * h * w * c * sizeof(float)), n, h, w, c};

    for (size_t i = 0; t.data && i < tensor_count(t); i++)
        t.data[i] = (float)(i * 2654435761u % 1000) / 500.0f - 1.0f;
    return t;
}

struct bench {
    struct ltd_model *model;
    struct pool *pool;
    struct tensor x, y, context;
};

static enum ltd_status run_steps(const struct bench *b, struct ltd_error *err)
{
    struct arena dry_arena, arena = {0};
    struct exec dry = {.arena = &dry_arena}, e = {.arena = &arena, .pool = b->pool};
    enum ltd_status st;
    char line[64];
    size_t lanes;

    arena_init_dry(&dry_arena);
    unet_forward(b->model->unet, &dry, b->y, b->x, 500, b->context);
    lanes = dry.lane_bytes * (size_t)pool_threads(b->pool);
    st = arena_reserve(&arena, dry_arena.peak + lanes + ARENA_ALIGN, err);
    if (st != LTD_OK)
        return st;
    exec_set_lanes(&e, arena_alloc(&arena, lanes, 1), dry.lane_bytes);
    printf("{\"isa\": \"%s\", \"threads\": %d, \"scratch_bytes\": %zu}\n", vector_ops()->isa,
           pool_threads(b->pool), dry_arena.peak + lanes);
    while (fgets(line, sizeof line, stdin)) {
        const double begun = seconds();

        unet_forward(b->model->unet, &e, b->y, b->x, 500, b->context);
        printf("%.4f\n", seconds() - begun);
    }
    arena_fini(&arena);
    return LTD_OK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"side", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    struct bench b = {NULL, NULL, {0}, {0}, {0}};
    struct ltd_error err = {.message = "usage: unet_step MODEL_FOLDER [--threads N] [--side PIXELS]"};
    int threads = 2, side = 512, option;
    enum ltd_status st = LTD_EINVAL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        threads = option == 't' ? atoi(optarg) : threads;
        side = option == 's' ? atoi(optarg) : side;
    }
    if (optind + 1 == argc && threads > 0 && side > 0)
        st = ltd_model_open(argv[optind], &b.model, &err);
    gemm_init();
    if (st == LTD_OK)
        st = pool_new(threads, &b.pool, &err);
    if (st == LTD_OK) {
        const size_t latent = (size_t)(side / b.model->info.vae_factor);

        b.x = filled(2, latent, latent, (size_t)b.model->info.latent_channels);
        b.y = filled(2, latent, latent, (size_t)b.model->info.latent_channels);
        b.context =
            filled(2, (size_t)b.model->info.token_limit, 1, unet_config(b.model->unet)->context_channels);
        st = b.x.data && b.y.data && b.context.data ? run_steps(&b, &err) : LTD_ENOMEM;
    }
    if (st != LTD_OK)
        fprintf(stderr, "unet_step: %s\n", err.message);
    free(b.x.data);
    free(b.y.data);
    free(b.context.data);
    pool_free(b.pool);
    ltd_model_close(b.model);
    return st == LTD_OK ? 0 : 1;
}
