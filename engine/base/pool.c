#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* About 20 microseconds: longer than the gap between two kernels, shorter than a sleep and a wake-up. */
#define SPINS 2000

struct lane {
    struct pool *pool;
    pthread_t thread;
    int index;
};

/* One loop.  Written by pool_run before `round` is raised, read by the lanes after they saw it raised. */
struct loop {
    pool_tile_fn *tile;
    void *arg;
    const atomic_bool *cancel;
    size_t tiles;
};

struct pool {
    int threads;
    int started; /* lanes 1..started have a thread */
    struct loop loop;
    atomic_size_t next;   /* the first tile that nobody has taken */
    atomic_uint round;    /* counts the loops; a lane that sees it change joins in */
    atomic_int busy;      /* lanes that have not finished this round */
    bool stop;            /* guarded by lock */
    pthread_mutex_t lock; /* for sleeping and waking only */
    pthread_cond_t begin; /* round was raised, or stop set */
    pthread_cond_t done;  /* busy fell to 0 */
    struct lane lanes[];
};

static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_tiles(struct pool *pool, int lane)
{
    const struct loop *loop = &pool->loop;

    for (;;) {
        const size_t tile = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);

        if (tile >= loop->tiles)
            return;
        if (loop->cancel && atomic_load_explicit(loop->cancel, memory_order_relaxed))
            return;
        loop->tile(loop->arg, tile, lane);
    }
}

/* Waits for a round after `seen`; false when the pool is being freed. */
static bool wait_for_round(struct pool *pool, unsigned *seen)
{
    bool stop;

    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->round, memory_order_acquire) != *seen) {
            *seen = atomic_load_explicit(&pool->round, memory_order_acquire);
            return true;
        }
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop && atomic_load(&pool->round) == *seen)
        pthread_cond_wait(&pool->begin, &pool->lock);
    stop = pool->stop;
    pthread_mutex_unlock(&pool->lock);
    *seen = atomic_load(&pool->round);
    return !stop;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    struct pool *pool = lane->pool;
    unsigned seen = 0;

    while (wait_for_round(pool, &seen)) {
        take_tiles(pool, lane->index);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
    return NULL;
}

/* Compute threads take no signals: those are the business of the program's main thread. */
static int start_quietly(struct lane *lane)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum ltd_status pool_new(int threads, struct pool **out, struct ltd_error *err)
{
    struct pool *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof pool->lanes[0]);

    if (!pool)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d compute threads", threads);
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int i = 1; i < threads; i++) {
        pool->lanes[i] = (struct lane){.pool = pool, .index = i};
        if (start_quietly(&pool->lanes[i]) != 0) {
            pool_free(pool);
            return ltd_fail(err, LTD_ENOMEM, "cannot start compute thread %d of %d", i + 1, threads);
        }
        pool->started = i;
    }
    *out = pool;
    return LTD_OK;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->lanes[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int pool_threads(const struct pool *pool)
{
    return pool->threads;
}

static void begin_round(struct pool *pool)
{
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->threads - 1, memory_order_relaxed);
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->round, 1);
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_until_done(struct pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0)
            return;
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->busy) != 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void pool_run(struct pool *pool, size_t tiles, pool_tile_fn *tile, void *arg, const atomic_bool *cancel)
{
    pool->loop = (struct loop){.tile = tile, .arg = arg, .cancel = cancel, .tiles = tiles};
    if (pool->threads == 1 || tiles <= 1) {
        atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
        take_tiles(pool, 0);
        return;
    }
    begin_round(pool);
    take_tiles(pool, 0);
    wait_until_done(pool);
}
