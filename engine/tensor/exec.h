/*
 * exec.h - what a forward pass runs on: scratch memory, compute threads, the cancel flag, and the dry mode.
 *
 * A forward pass is run dry first: every exec_tensor and exec_tiles then only counts what it would need
 * (arena bytes, lane bytes), so that the real run, with the same shapes, can neither allocate nor fail.
 */
#ifndef EXEC_H
#define EXEC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <latentd/timings.h>

#include "base/arena.h"
#include "base/pool.h"
#include "tensor/tensor.h"

struct exec {
    struct arena *arena;
    struct pool *pool;           /* NULL when dry */
    const atomic_bool *cancel;   /* NULL: cannot be cancelled */
    bool strict;                 /* sums as they are defined: no convolution by Winograd's algorithm */
    bool bf16;                   /* linear layers and attention multiply bf16; sums stay f32 */
    bool tiling;                 /* convolutions that pad wrap around: the picture's edges fit each other */
    unsigned char *lanes;        /* pool_threads() pieces of lane_bytes */
    size_t lane_bytes;           /* dry: the most that any loop asked for; else: the size of each piece */
    double flop;                 /* of all products so far, dry or not */
    struct ltd_timings *timings; /* NULL: loops are not timed */
    double timed_flop;           /* flop, as the last timed loop left it */
    const char *stage;           /* where the timings go */
    int stage_index;
};

static inline bool exec_is_dry(const struct exec *x)
{
    return x->arena->dry;
}

static inline bool exec_is_canceled(const struct exec *x)
{
    return x->cancel && atomic_load_explicit(x->cancel, memory_order_relaxed);
}

/* An uninitialised tensor from the arena, until the caller rewinds past it. */
struct tensor exec_tensor(struct exec *x, size_t n, size_t h, size_t w, size_t c);
struct tensor exec_like(struct exec *x, struct tensor shape);

static inline size_t exec_mark(const struct exec *x)
{
    return arena_mark(x->arena);
}
static inline void exec_rewind(struct exec *x, size_t mark)
{
    arena_rewind(x->arena, mark);
}

/* scratch: lane_bytes of this thread's own, aligned to 64; its content is whatever the last tile left. */
typedef void exec_tile_fn(void *arg, size_t tile, void *scratch);

/* Runs tile(arg, i, scratch) for all i < tiles on the pool; dry, only notes lane_bytes.  kind: whose time it
 * is; the products counted since the last loop are its work. */
void exec_tiles(struct exec *x, enum ltd_operator kind, size_t tiles, size_t lane_bytes, exec_tile_fn *tile,
                void *arg);

/* What follows is this stage of a network (static storage); index -1: the only one of that name. */
static inline void exec_stage(struct exec *x, const char *name, int index)
{
    x->stage = name;
    x->stage_index = index;
}

/* Counts a product of [m, k] and [k, n]: every kernel with one calls this, once, before the loop that
 * does it. */
static inline void exec_count_product(struct exec *x, size_t m, size_t n, size_t k)
{
    x->flop += 2.0 * (double)m * (double)n * (double)k;
}

/* Gives a real exec its lane scratch: lane_bytes, as the dry run counted them, for each thread of the pool.
 */
void exec_set_lanes(struct exec *x, void *lanes, size_t lane_bytes);

#endif
