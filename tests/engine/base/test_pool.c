/* test_pool.c - every tile once, on any number of threads, round after round. */
#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "random_values.h"

#define MOST_TILES 1000

struct count_run {
    struct pool *pool;
    atomic_int times[MOST_TILES];
    atomic_int bad_lanes;
    atomic_bool in_lane[8];
};

static void count_tile(void *arg, size_t tile, int lane)
{
    struct count_run *r = arg;

    if (lane < 0 || lane >= pool_threads(r->pool)) {
        atomic_fetch_add(&r->bad_lanes, 1);
        return;
    }
    /* A lane's scratch is one thread's at a time. */
    if (atomic_exchange(&r->in_lane[lane], true))
        atomic_fetch_add(&r->bad_lanes, 1);
    atomic_fetch_add(&r->times[tile], 1);
    atomic_store(&r->in_lane[lane], false);
}

TEST(every_tile_runs_exactly_once)
{
    static const size_t tiles[] = {0, 1, 2, 3, 7, 8, 9, 64, 999, MOST_TILES};

    for (int threads = 1; threads <= 8; threads++) {
        static struct count_run r;

        REQUIRE(pool_new(threads, &r.pool, NULL) == LTD_OK);
        CHECK_INT(pool_threads(r.pool), threads);
        for (size_t k = 0; k < COUNT(tiles); k++) {
            for (size_t i = 0; i < MOST_TILES; i++)
                atomic_store(&r.times[i], 0);
            pool_run(r.pool, tiles[k], count_tile, &r, NULL);
            for (size_t i = 0; i < MOST_TILES; i++)
                CHECK_INT(atomic_load(&r.times[i]), i < tiles[k] ? 1 : 0);
        }
        CHECK_INT(atomic_load(&r.bad_lanes), 0);
        pool_free(r.pool);
    }
}

static void add_one(void *arg, size_t tile, int lane)
{
    int *values = arg;

    (void)lane;
    /* Not atomic on purpose: one round must see what the round before wrote, whoever wrote it. */
    values[tile]++;
}

/* Long enough now and then for the others to stop spinning and fall asleep. */
static void rest(int round)
{
    const struct timespec pause = {0, 200000};

    if (round % 64 == 0)
        nanosleep(&pause, NULL);
}

TEST(short_rounds_follow_one_another_without_a_lost_wake_up)
{
    static const int threads[] = {2, 3, 8};
    const int rounds = 20000;

    for (size_t k = 0; k < COUNT(threads); k++) {
        const int share = threads[k] == 2 ? rounds : rounds / 10;
        int values[4] = {0};
        struct pool *pool;

        REQUIRE(pool_new(threads[k], &pool, NULL) == LTD_OK);
        for (int i = 0; i < share; i++) {
            pool_run(pool, 1 + (size_t)i % COUNT(values), add_one, values, NULL);
            rest(i);
        }
        for (int i = 0; i < (int)COUNT(values); i++)
            CHECK_INT(values[i], share / 4 * (4 - i));
        pool_free(pool);
    }
}

struct cancel_run {
    atomic_bool cancel;
    atomic_int ran;
};

static void cancel_at_ten(void *arg, size_t tile, int lane)
{
    struct cancel_run *r = arg;

    (void)tile;
    (void)lane;
    if (atomic_fetch_add(&r->ran, 1) + 1 == 10)
        atomic_store(&r->cancel, true);
}

TEST(a_canceled_run_begins_no_further_tile)
{
    for (int threads = 1; threads <= 4; threads++) {
        struct cancel_run r = {false, 0};
        struct pool *pool;

        REQUIRE(pool_new(threads, &pool, NULL) == LTD_OK);
        pool_run(pool, 1000000, cancel_at_ten, &r, &r.cancel);
        /* Each other thread may have been about to begin one, and may have begun more before the flag was
         * seen; but not many. */
        CHECK(atomic_load(&r.ran) >= 10);
        CHECK(atomic_load(&r.ran) < 500000);
        atomic_store(&r.ran, 0);
        pool_run(pool, 1000, cancel_at_ten, &r, &r.cancel);
        CHECK_INT(atomic_load(&r.ran), 0);
        atomic_store(&r.cancel, false);
        pool_run(pool, 5, cancel_at_ten, &r, &r.cancel);
        CHECK_INT(atomic_load(&r.ran), 5);
        pool_free(pool);
    }
}

struct sum_run {
    const float *x;
    float *y;
};

static void sum_tile(void *arg, size_t tile, int lane)
{
    const struct sum_run *r = arg;
    float sum = 0;

    (void)lane;
    for (size_t i = 0; i < 100; i++)
        sum += r->x[tile * 100 + i];
    r->y[tile] = sum;
}

TEST(the_result_does_not_depend_on_the_number_of_threads)
{
    float *x = random_values(1, 50000), *want = allocate(500, sizeof *want),
          *got = allocate(500, sizeof *got);

    for (int threads = 1; threads <= 8; threads++) {
        struct sum_run r = {x, threads == 1 ? want : got};
        struct pool *pool;

        REQUIRE(pool_new(threads, &pool, NULL) == LTD_OK);
        pool_run(pool, 500, sum_tile, &r, NULL);
        pool_free(pool);
        CHECK(threads == 1 || memcmp(got, want, 500 * sizeof *got) == 0);
        memset(got, 0, 500 * sizeof *got);
    }
    free(x);
    free(want);
    free(got);
}

TEST(a_pool_that_never_ran_is_freed)
{
    for (int i = 0; i < 200; i++) {
        struct pool *pool;

        REQUIRE(pool_new(1 + i % 8, &pool, NULL) == LTD_OK);
        pool_free(pool);
    }
    pool_free(NULL);
}
