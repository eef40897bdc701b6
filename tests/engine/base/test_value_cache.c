/* test_value_cache.c - values found by their keys, within the bound, by many threads. */
#include "base/value_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "random_values.h"

enum { WORDS = 64 };

static struct value_cache *new_cache(size_t bytes)
{
    struct value_cache *cache = NULL;

    if (value_cache_new(bytes, &cache, NULL) != LTD_OK)
        abort();
    return cache;
}

/* The value that belongs to a key. */
static void fill(uint64_t value[WORDS], uint32_t key)
{
    uint64_t state = key;

    for (int i = 0; i < WORDS; i++)
        value[i] = random_next(&state);
}

static void put(struct value_cache *cache, uint32_t key)
{
    uint64_t value[WORDS];

    fill(value, key);
    value_cache_put(cache, &key, sizeof key, value, sizeof value);
}

/* Is there a value, and the right one? */
static bool has(struct value_cache *cache, uint32_t key)
{
    const struct cached_value *v = value_cache_find(cache, &key, sizeof key);
    uint64_t want[WORDS];
    bool found = false;

    fill(want, key);
    if (v) {
        found = cached_value_size(v) == sizeof want && memcmp(cached_value_data(v), want, sizeof want) == 0;
        if (!found)
            check_failed(__FILE__, __LINE__, "key %u has another's value", key);
    }
    value_cache_release(cache, v);
    return found;
}

/* What one value of put() takes. */
static size_t one_value(void)
{
    struct value_cache *cache = new_cache(1 << 20);
    size_t bytes;

    put(cache, 1);
    bytes = value_cache_bytes(cache);
    value_cache_free(cache);
    return bytes;
}

TEST(what_was_put_is_found)
{
    struct value_cache *cache = new_cache(1 << 20);

    CHECK(!has(cache, 1));
    CHECK(value_cache_find(cache, "", 0) == NULL);
    put(cache, 1);
    put(cache, 2);
    CHECK(has(cache, 1) && has(cache, 2) && !has(cache, 3));
    value_cache_free(cache);
}

TEST(a_key_is_all_of_its_bytes)
{
    struct value_cache *cache = new_cache(1 << 20);
    const struct cached_value *v;

    value_cache_put(cache, "ab", 2, "x", 1);
    CHECK(value_cache_find(cache, "a", 1) == NULL);
    CHECK(value_cache_find(cache, "abc", 3) == NULL);
    v = value_cache_find(cache, "ab", 2);
    REQUIRE(v != NULL);
    CHECK(cached_value_size(v) == 1 && memcmp(cached_value_data(v), "x", 1) == 0);
    value_cache_release(cache, v);
    value_cache_free(cache);
}

TEST(the_first_value_of_a_key_stays)
{
    struct value_cache *cache = new_cache(1 << 20);
    const struct cached_value *v;
    size_t bytes;

    value_cache_put(cache, "k", 1, "first", 5);
    bytes = value_cache_bytes(cache);
    value_cache_put(cache, "k", 1, "second", 6);
    CHECK(value_cache_bytes(cache) == bytes);
    v = value_cache_find(cache, "k", 1);
    REQUIRE(v != NULL);
    CHECK(cached_value_size(v) == 5 && memcmp(cached_value_data(v), "first", 5) == 0);
    value_cache_release(cache, v);
    value_cache_free(cache);
}

TEST(what_was_not_asked_for_the_longest_goes_first)
{
    struct value_cache *cache = new_cache(3 * one_value());

    put(cache, 1);
    put(cache, 2);
    put(cache, 3);
    CHECK(has(cache, 1));
    put(cache, 4);
    CHECK(has(cache, 1) && !has(cache, 2) && has(cache, 3) && has(cache, 4));
    CHECK(value_cache_bytes(cache) == 3 * one_value());
    value_cache_free(cache);
}

TEST(what_is_larger_than_the_cache_is_not_kept)
{
    struct value_cache *cache = new_cache(one_value() - 1);

    put(cache, 1);
    CHECK(!has(cache, 1));
    CHECK(value_cache_bytes(cache) == 0);
    value_cache_free(cache);
}

TEST(a_pinned_value_stays)
{
    struct value_cache *cache = new_cache(2 * one_value());
    const struct cached_value *pinned[2];
    uint64_t want[WORDS];

    for (uint32_t key = 0; key < 2; key++) {
        put(cache, key);
        pinned[key] = value_cache_find(cache, &key, sizeof key);
        REQUIRE(pinned[key] != NULL);
    }
    /* All are pinned: there is no room. */
    put(cache, 2);
    CHECK(!has(cache, 2));
    value_cache_release(cache, pinned[1]);
    put(cache, 2);
    put(cache, 3);
    CHECK(!has(cache, 1) && !has(cache, 2) && has(cache, 3));
    fill(want, 0);
    CHECK(memcmp(cached_value_data(pinned[0]), want, sizeof want) == 0);
    value_cache_release(cache, pinned[0]);
    value_cache_free(cache);
}

struct user {
    pthread_t thread;
    struct value_cache *cache;
    uint64_t seed;
    int found, wrong;
    size_t most;
};

/* Asks for keys, holds on to what is found for a while, and puts what is not. */
static void *use(void *arg)
{
    struct user *u = arg;
    const struct cached_value *held = NULL;
    uint32_t held_key = 0;
    uint64_t want[WORDS];

    for (int i = 0; i < 3000; i++) {
        const uint32_t key = (uint32_t)random_size(&u->seed, 0, 11);
        const struct cached_value *v = value_cache_find(u->cache, &key, sizeof key);
        const size_t bytes = value_cache_bytes(u->cache);

        if (!v)
            put(u->cache, key);
        if (held) {
            fill(want, held_key);
            u->wrong += memcmp(cached_value_data(held), want, sizeof want) != 0;
        }
        u->found += v != NULL;
        u->most = bytes > u->most ? bytes : u->most;
        value_cache_release(u->cache, held);
        held = v;
        held_key = key;
    }
    value_cache_release(u->cache, held);
    return NULL;
}

TEST(threads_share_it_and_keep_within_its_bytes)
{
    struct value_cache *cache = new_cache(8 * one_value());
    struct user users[4];

    for (size_t i = 0; i < COUNT(users); i++) {
        users[i] = (struct user){.cache = cache, .seed = i + 1};
        REQUIRE(pthread_create(&users[i].thread, NULL, use, &users[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(users); i++) {
        pthread_join(users[i].thread, NULL);
        CHECK_INT(users[i].wrong, 0);
        CHECK(users[i].found > 0 && users[i].found < 3000);
        CHECK(users[i].most <= 8 * one_value());
    }
    value_cache_free(cache);
}

TEST(no_cache_is_freed_too)
{
    value_cache_free(NULL);
}
