/*
 * pool.h - threads that run the tiles of one loop.
 *
 * The tiles of a loop are fixed by the shapes of its operands, never by the number of threads, and no tile
 * reads what another writes: so the result is the same whichever thread takes which tile.
 */
#ifndef POOL_H
#define POOL_H

#include <stdatomic.h>
#include <stddef.h>

#include <latentd/error.h>

struct pool;

/* lane: 0 .. pool_threads() - 1, the same for all tiles that one thread takes, for per-thread scratch. */
typedef void pool_tile_fn(void *arg, size_t tile, int lane);

/* threads >= 1; threads - 1 are started, the caller of pool_run is the other.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status pool_new(int threads, struct pool **out, struct ltd_error *err);
void pool_free(struct pool *pool); /* NULL is fine; not during a run */
int pool_threads(const struct pool *pool);

/* Runs tile(arg, i, lane) for i in 0..tiles-1 and returns when all are done.  Once *cancel (if not NULL) is
 * true no further tile is begun, and what they would have written is undefined.  One run at a time. */
void pool_run(struct pool *pool, size_t tiles, pool_tile_fn *tile, void *arg, const atomic_bool *cancel);

#endif
