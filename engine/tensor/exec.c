#include "tensor/exec.h"

#include <assert.h>
#include <string.h>
#include <time.h>

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

const char *ltd_operator_name(enum ltd_operator kind)
{
    static const char *const names[] = {
#define OPERATOR(id, name) name,
#include <latentd/operators.def>
#undef OPERATOR
    };

    return names[kind];
}

/* The current stage, made when it is new. */
static struct ltd_stage *find_stage(const struct exec *x)
{
    struct ltd_timings *t = x->timings;
    const char *name = x->stage ? x->stage : "";

    for (size_t i = t->count; i-- > 0;)
        if (t->stages[i].index == x->stage_index && strcmp(t->stages[i].name, name) == 0)
            return &t->stages[i];
    if (t->count == LTD_MAX_STAGES)
        return &t->stages[LTD_MAX_STAGES - 1];
    t->stages[t->count] = (struct ltd_stage){.name = name, .index = x->stage_index};
    return &t->stages[t->count++];
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add_time(struct exec *x, enum ltd_operator kind, double begun)
{
    struct ltd_timing *t = &find_stage(x)->kinds[kind];

    t->seconds += seconds() - begun;
    t->flop += x->flop - x->timed_flop;
    t->loops++;
    x->timed_flop = x->flop;
}

void exec_tiles(struct exec *x, enum ltd_operator kind, size_t tiles, size_t lane_bytes, exec_tile_fn *tile,
                void *arg)
{
    struct tiles t = {.exec = x, .tile = tile, .arg = arg};
    const double begun = x->timings ? seconds() : 0;

    if (exec_is_dry(x)) {
        if (round_up_lane(lane_bytes) > x->lane_bytes)
            x->lane_bytes = round_up_lane(lane_bytes);
        return;
    }
    assert(lane_bytes <= x->lane_bytes);
    pool_run(x->pool, tiles, run_tile, &t, x->cancel);
    if (x->timings)
        add_time(x, kind, begun);
}

void exec_set_lanes(struct exec *x, void *lanes, size_t lane_bytes)
{
    x->lanes = lanes;
    x->lane_bytes = lane_bytes;
}
