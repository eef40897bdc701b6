/* test_lease_cache.c - things made once for all who need them, and let go of. */
#include "base/lease_cache.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"

enum { THREADS = 8 };

static atomic_int made, freed;

struct wish {
    struct lease_cache *cache;
    int key;
    bool fails;
    void *got;
};

static enum ltd_status make(void *arg, void **out, struct ltd_error *err)
{
    const struct wish *wish = arg;
    int *thing = malloc(sizeof *thing);

    made++;
    if (!thing || wish->fails) {
        free(thing);
        return ltd_fail(err, LTD_EFORMAT, "cannot be made");
    }
    *thing = wish->key;
    *out = thing;
    return LTD_OK;
}

static void let_go(void *thing)
{
    freed++;
    free(thing);
}

static struct lease_cache *new_cache(size_t idle_most)
{
    struct lease_cache *cache = NULL;

    made = freed = 0;
    if (lease_cache_new(idle_most, let_go, &cache, NULL) != LTD_OK)
        abort();
    return cache;
}

static void *take(struct lease_cache *cache, int key)
{
    struct wish wish = {.cache = cache, .key = key};

    if (lease_cache_take(cache, &key, sizeof key, make, &wish, &wish.got, NULL) != LTD_OK)
        abort();
    CHECK_INT(*(int *)wish.got, key);
    return wish.got;
}

TEST(a_thing_is_made_once_and_shared)
{
    struct lease_cache *cache = new_cache(1);
    void *first = take(cache, 1), *same = take(cache, 1), *other = take(cache, 2);

    CHECK(first == same && first != other);
    CHECK_INT(made, 2);
    lease_cache_release(cache, first);
    lease_cache_release(cache, other);
    CHECK_INT(freed, 0);
    CHECK(take(cache, 1) == same);
    lease_cache_release(cache, same);
    lease_cache_release(cache, same);
    lease_cache_free(cache);
    CHECK_INT(freed, 2);
}

TEST(of_the_idle_ones_the_oldest_go_before_another_is_made)
{
    struct lease_cache *cache = new_cache(2);

    for (int key = 1; key <= 3; key++)
        lease_cache_release(cache, take(cache, key));
    CHECK_INT(freed, 1);
    lease_cache_release(cache, take(cache, 3));
    lease_cache_release(cache, take(cache, 2));
    CHECK_INT(made, 3);
    lease_cache_release(cache, take(cache, 1));
    CHECK_INT(made, 4);
    CHECK_INT(freed, 2);
    lease_cache_free(cache);
}

TEST(what_cannot_be_made_leaves_nothing_behind)
{
    struct lease_cache *cache = new_cache(1);
    struct wish wish = {.cache = cache, .key = 1, .fails = true};
    struct ltd_error err;

    CHECK_INT(lease_cache_take(cache, &wish.key, sizeof wish.key, make, &wish, &wish.got, &err), LTD_EFORMAT);
    CHECK_STR(err.message, "cannot be made");
    CHECK(wish.got == NULL);
    lease_cache_release(cache, take(cache, 1));
    lease_cache_free(cache);
    CHECK_INT(freed, 1);
}

/* One being made keeps nobody from another: the one who makes it waits for the other to be done. */
static atomic_bool begun, other_done;

static enum ltd_status make_slowly(void *arg, void **out, struct ltd_error *err)
{
    begun = true;
    while (!other_done)
        sched_yield();
    return make(arg, out, err);
}

static void *take_slowly(void *arg)
{
    struct wish *wish = arg;

    if (lease_cache_take(wish->cache, &wish->key, sizeof wish->key, make_slowly, wish, &wish->got, NULL) !=
        LTD_OK)
        abort();
    return NULL;
}

TEST(others_are_not_kept_waiting_and_the_same_is_made_once)
{
    struct lease_cache *cache = new_cache(1);
    struct wish wishes[THREADS];
    pthread_t threads[THREADS];

    begun = other_done = false;
    for (int i = 0; i < THREADS; i++) {
        wishes[i] = (struct wish){.cache = cache, .key = 1};
        REQUIRE(pthread_create(&threads[i], NULL, take_slowly, &wishes[i]) == 0);
    }
    while (!begun)
        sched_yield();
    lease_cache_release(cache, take(cache, 2));
    CHECK_INT(made, 1);
    other_done = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(wishes[i].got == wishes[0].got);
    }
    CHECK_INT(made, 2);
    for (int i = 0; i < THREADS; i++)
        lease_cache_release(cache, wishes[i].got);
    lease_cache_free(cache);
    CHECK_INT(freed, 2);
}
