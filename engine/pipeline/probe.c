/*
 * probe.c - how fast is this machine?
 *
 * The mix is about a U-Net's: half of its work in 3x3 convolutions, a third in linear layers, the rest in
 * attention (Stable Diffusion 1.5 at 512x512: 50, 35 and 15 %).
 */
#include <latentd/cost.h>

#include <time.h>

#include "kernels/attention.h"
#include "kernels/conv2d.h"
#include "pipeline/compute_pool.h"

enum { SIDE = 32, CHANNELS = 320, WIDE = 4 * CHANNELS, HEADS = 8, TAPS = 9 };

struct probe {
    struct tensor x, y, wide;
    struct conv2d conv;
    struct matrix linear;
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Values of which no sum overflows. */
static float *fill(struct exec *e, struct tensor t)
{
    if (!exec_is_dry(e))
        for (size_t i = 0; i < tensor_count(t); i++)
            t.data[i] = (float)(i * 2654435761U % 1000) * 1e-3F - 0.5F;
    return t.data;
}

static void make(struct probe *p, struct exec *e)
{
    p->x = exec_tensor(e, 1, SIDE, SIDE, CHANNELS);
    p->y = exec_like(e, p->x);
    p->wide = exec_tensor(e, 1, SIDE, SIDE, WIDE);
    p->conv = (struct conv2d){.c_in = CHANNELS, .c_out = CHANNELS, .kernel = 3, .stride = 1, .pad_before = 1};
    p->conv.weight = (struct matrix){NULL, DTYPE_F32, CHANNELS, TAPS * CHANNELS};
    p->conv.weight.data = fill(e, exec_tensor(e, 1, 1, CHANNELS, TAPS * CHANNELS));
    p->linear = (struct matrix){NULL, DTYPE_F32, WIDE, CHANNELS};
    p->linear.data = fill(e, exec_tensor(e, 1, 1, WIDE, CHANNELS));
    fill(e, p->x);
}

static void round_forward(const struct probe *p, struct exec *e)
{
    conv2d(e, p->y, p->x, &p->conv, (struct tensor){0});
    gemm_linear(e, p->wide.data, p->x.data, tensor_rows(p->x), &p->linear, NULL, NULL);
    attention(e, p->y, p->x, p->x, p->x, HEADS, 0.1, false);
}

/* After a first round, in which threads and memory wake up. */
static double measure(const struct probe *p, struct exec *e, double length)
{
    double begun, now, flop;

    round_forward(p, e);
    flop = e->flop;
    begun = seconds();
    do {
        round_forward(p, e);
        now = seconds();
    } while (now - begun < length);
    return (e->flop - flop) / (now - begun);
}

enum ltd_status ltd_probe_speed(int threads, double length, double *flop_per_second, struct ltd_error *err)
{
    struct arena dry_arena, arena = {0};
    struct exec dry = {.arena = &dry_arena}, e = {.arena = &arena};
    struct probe p;
    size_t lane_bytes;
    enum ltd_status st = compute_pool_new(threads, &e.pool, err);

    if (st != LTD_OK)
        return st;
    arena_init_dry(&dry_arena);
    make(&p, &dry);
    round_forward(&p, &dry);
    lane_bytes = dry.lane_bytes * (size_t)pool_threads(e.pool);
    /* Once more, with the lanes where they will lie: below what the kernels take for a while. */
    arena_init_dry(&dry_arena);
    make(&p, &dry);
    arena_alloc(&dry_arena, lane_bytes, 1);
    round_forward(&p, &dry);
    st = arena_reserve(&arena, dry_arena.peak, err);
    if (st == LTD_OK) {
        make(&p, &e);
        exec_set_lanes(&e, arena_alloc(&arena, lane_bytes, 1), dry.lane_bytes);
        *flop_per_second = measure(&p, &e, length);
    }
    arena_fini(&arena);
    pool_free(e.pool);
    return st;
}
