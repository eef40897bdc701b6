#include "base/lease_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Guarded by the cache's lock. */
struct lease {
    struct lease *next;
    void *thing; /* NULL: it is being made, by its one holder */
    size_t holders;
    size_t key_size;
    unsigned char key[];
};

struct lease_cache {
    pthread_mutex_t lock;
    pthread_cond_t made; /* or given up; together with lock */
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
    pthread_cond_init(&cache->made, NULL);
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
    pthread_cond_destroy(&cache->made);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct lease *find(const struct lease_cache *cache, const void *key, size_t key_size)
{
    for (struct lease *lease = cache->first; lease; lease = lease->next)
        if (lease->key_size == key_size && memcmp(lease->key, key, key_size) == 0)
            return lease;
    return NULL;
}

static void unlink_lease(struct lease_cache *cache, const struct lease *lease)
{
    struct lease **at = &cache->first;

    while (*at != lease)
        at = &(*at)->next;
    *at = lease->next;
}

static void put_first(struct lease_cache *cache, struct lease *lease)
{
    lease->next = cache->first;
    cache->first = lease;
}

/* A new one in the list, held by the caller, who is to make its thing; NULL without memory. */
static struct lease *begin(struct lease_cache *cache, const void *key, size_t key_size)
{
    struct lease *lease = calloc(1, sizeof *lease + key_size);

    if (!lease)
        return NULL;
    lease->key_size = key_size;
    memcpy(lease->key, key, key_size);
    lease->holders = 1;
    trim(cache, cache->idle_most > 0 ? cache->idle_most - 1 : 0);
    put_first(cache, lease);
    return lease;
}

/* Makes the thing; the lock is given up meanwhile. */
static enum ltd_status fill(struct lease_cache *cache, struct lease *lease, lease_make_fn *make, void *arg,
                            struct ltd_error *err)
{
    void *thing = NULL;
    enum ltd_status st;

    pthread_mutex_unlock(&cache->lock);
    st = make(arg, &thing, err);
    pthread_mutex_lock(&cache->lock);
    lease->thing = thing;
    if (st != LTD_OK) {
        unlink_lease(cache, lease);
        free(lease);
    }
    pthread_cond_broadcast(&cache->made);
    return st;
}

enum ltd_status lease_cache_take(struct lease_cache *cache, const void *key, size_t key_size,
                                 lease_make_fn *make, void *arg, void **out, struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;
    struct lease *lease;

    pthread_mutex_lock(&cache->lock);
    while ((lease = find(cache, key, key_size)) && !lease->thing)
        pthread_cond_wait(&cache->made, &cache->lock);
    if (lease) {
        lease->holders++;
        unlink_lease(cache, lease);
        put_first(cache, lease);
    } else {
        lease = begin(cache, key, key_size);
        st = lease ? fill(cache, lease, make, arg, err) : ltd_fail(err, LTD_ENOMEM, "no memory for a cache");
    }
    if (st == LTD_OK)
        *out = lease->thing;
    pthread_mutex_unlock(&cache->lock);
    return st;
}

void lease_cache_release(struct lease_cache *cache, void *thing)
{
    struct lease *lease;

    if (!thing)
        return;
    pthread_mutex_lock(&cache->lock);
    lease = cache->first;
    while (lease->thing != thing)
        lease = lease->next;
    assert(lease->holders > 0);
    lease->holders--;
    unlink_lease(cache, lease);
    put_first(cache, lease);
    trim(cache, cache->idle_most);
    pthread_mutex_unlock(&cache->lock);
}
