#include "run_exec.h"

/* Lanes for all threads; one byte more, so that they have an address even where no loop asked for any. */
static bool reserve_lanes(struct arena *lanes, struct exec *e, const struct exec *dry)
{
    const size_t bytes = dry->lane_bytes * (size_t)pool_threads(e->pool) + 1;
    struct arena count;

    arena_init_dry(&count);
    arena_alloc(&count, bytes, 1);
    if (arena_reserve(lanes, count.peak, NULL) != LTD_OK)
        return false;
    exec_set_lanes(e, arena_alloc(lanes, bytes, 1), dry->lane_bytes);
    return true;
}

static bool run_as(bool strict, bool bf16, struct pool *pool, run_exec_fn *forward, void *arg)
{
    struct arena counted, arena = {0}, lanes = {0};
    struct exec dry = {.arena = &counted, .strict = strict, .bf16 = bf16};
    struct exec e = {.arena = &arena, .pool = pool, .strict = strict, .bf16 = bf16};
    bool done = false;

    arena_init_dry(&counted);
    forward(arg, &dry);
    if (!counted.overflow && arena_reserve(&arena, counted.peak, NULL) == LTD_OK &&
        reserve_lanes(&lanes, &e, &dry)) {
        forward(arg, &e);
        done = arena.used == 0;
    }
    arena_fini(&lanes);
    arena_fini(&arena);
    return done;
}

bool run_exec(struct pool *pool, run_exec_fn *forward, void *arg)
{
    return run_as(true, false, pool, forward, arg);
}

bool run_exec_in(struct pool *pool, bool strict, run_exec_fn *forward, void *arg)
{
    return run_as(strict, false, pool, forward, arg);
}

bool run_exec_by(struct pool *pool, bool bf16, run_exec_fn *forward, void *arg)
{
    return run_as(true, bf16, pool, forward, arg);
}
