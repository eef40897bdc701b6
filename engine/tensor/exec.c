#include "tensor/exec.h"

#include <assert.h>

#include "base/size_math.h"

struct tensor exec_tensor(struct exec *x, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor t = {NULL, n, h, w, c};
    size_t rows, count;

    if (!size_mul(n, h, &rows) || !size_mul(rows, w, &rows) || !size_mul(rows, c, &count)) {
        assert(exec_is_dry(x));
        x->arena->overflow = true;
        count = 0;
    }
    t.data = arena_alloc(x->arena, count, sizeof(float));
    return t;
}

struct tensor exec_like(struct exec *x, struct tensor shape)
{
    return exec_tensor(x, shape.n, shape.h, shape.w, shape.c);
}

static size_t round_up_lane(size_t bytes)
{
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

struct tiles {
    struct exec *exec;
    exec_tile_fn *tile;
    void *arg;
};

static void run_tile(void *arg, size_t tile, int lane)
{
    const struct tiles *t = arg;

    t->tile(t->arg, tile, t->exec->lanes + (size_t)lane * t->exec->lane_bytes);
}

void exec_tiles(struct exec *x, size_t tiles, size_t lane_bytes, exec_tile_fn *tile, void *arg)
{
    struct tiles t = {.exec = x, .tile = tile, .arg = arg};

    if (exec_is_dry(x)) {
        if (round_up_lane(lane_bytes) > x->lane_bytes)
            x->lane_bytes = round_up_lane(lane_bytes);
        return;
    }
    assert(lane_bytes <= x->lane_bytes);
    pool_run(x->pool, tiles, run_tile, &t, x->cancel);
}

void exec_set_lanes(struct exec *x, void *lanes, size_t lane_bytes)
{
    x->lanes = lanes;
    x->lane_bytes = lane_bytes;
}
