#include "base/lease_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Guarded by the cache's lock. */
struct lease {
    struct lease *next;
    void *thing;
    size_t holders;
    size_t key_size;
    unsigned char key[];
};

struct lease_cache {
    pthread_mutex_t lock;
    size_t idle_most;
    lease_free_fn *free_thing;
    struct lease *first; /* guarded by lock; the one that was taken or given back last comes first */
};

enum ltd_status lease_cache_new(size_t idle_most, lease_free_fn *free_thing, struct lease_cache **out,
                                struct ltd_error *err)
{
    struct lease_cache *cache = calloc(1, sizeof *cache);

    if (!cache)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a cache");
    pthread_mutex_init(&cache->lock, NULL);
    cache->idle_most = idle_most;
    cache->free_thing = free_thing;
    *out = cache;
    return LTD_OK;
}

/* Lets go of the idle ones behind the first so many. */
static void trim(struct lease_cache *cache, size_t keep)
{
    struct lease **at = &cache->first;
    size_t idle = 0;

    while (*at) {
        struct lease *lease = *at;

        if (lease->holders > 0 || idle++ < keep) {
            at = &lease->next;
            continue;
        }
        *at = lease->next;
        cache->free_thing(lease->thing);
        free(lease);
    }
}

void lease_cache_free(struct lease_cache *cache)
{
    if (!cache)
        return;
    trim(cache, 0);
    assert(!cache->first);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Takes it out of the list; NULL: there is none. */
static struct lease *unlink_key(struct lease_cache *cache, const void *key, size_t key_size)
{
    for (struct lease **at = &cache->first; *at; at = &(*at)->next) {
        struct lease *lease = *at;

        if (lease->key_size == key_size && memcmp(lease->key, key, key_size) == 0) {
            *at = lease->next;
            return lease;
        }
    }
    return NULL;
}

static void put_first(struct lease_cache *cache, struct lease *lease)
{
    lease->next = cache->first;
    cache->first = lease;
}

static struct lease *make_lease(struct lease_cache *cache, const void *key, size_t key_size,
                                lease_make_fn *make, void *arg, enum ltd_status *st, struct ltd_error *err)
{
    struct lease *lease = calloc(1, sizeof *lease + key_size);

    if (!lease) {
        *st = ltd_fail(err, LTD_ENOMEM, "no memory for a cache");
        return NULL;
    }
    lease->key_size = key_size;
    memcpy(lease->key, key, key_size);
    trim(cache, cache->idle_most > 0 ? cache->idle_most - 1 : 0);
    *st = make(arg, &lease->thing, err);
    if (*st == LTD_OK)
        return lease;
    free(lease);
    return NULL;
}

enum ltd_status lease_cache_take(struct lease_cache *cache, const void *key, size_t key_size,
                                 lease_make_fn *make, void *arg, void **out, struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;
    struct lease *lease;

    pthread_mutex_lock(&cache->lock);
    lease = unlink_key(cache, key, key_size);
    if (!lease)
        lease = make_lease(cache, key, key_size, make, arg, &st, err);
    if (lease) {
        put_first(cache, lease);
        lease->holders++;
        *out = lease->thing;
    }
    pthread_mutex_unlock(&cache->lock);
    return st;
}

void lease_cache_release(struct lease_cache *cache, void *thing)
{
    struct lease **at = &cache->first;
    struct lease *lease;

    if (!thing)
        return;
    pthread_mutex_lock(&cache->lock);
    while ((*at)->thing != thing)
        at = &(*at)->next;
    lease = *at;
    *at = lease->next;
    assert(lease->holders > 0);
    lease->holders--;
    put_first(cache, lease);
    trim(cache, cache->idle_most);
    pthread_mutex_unlock(&cache->lock);
}
