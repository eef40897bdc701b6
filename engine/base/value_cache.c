#include "base/value_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_math.h"

/* The sizes and bytes never change; the rest is guarded by the cache's lock. */
struct cached_value {
    struct cached_value *older, *newer;
    size_t pins;
    size_t key_size, size;
    max_align_t bytes[]; /* the value, then the key */
};

struct value_cache {
    pthread_mutex_t lock;
    size_t max_bytes;
    size_t bytes;                         /* guarded by lock; of all values in the list */
    struct cached_value *newest, *oldest; /* guarded by lock; by when they were last asked for */
};

enum ltd_status value_cache_new(size_t max_bytes, struct value_cache **out, struct ltd_error *err)
{
    struct value_cache *cache = calloc(1, sizeof *cache);

    if (!cache)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a cache");
    pthread_mutex_init(&cache->lock, NULL);
    cache->max_bytes = max_bytes;
    *out = cache;
    return LTD_OK;
}

void value_cache_free(struct value_cache *cache)
{
    struct cached_value *next;

    if (!cache)
        return;
    for (struct cached_value *v = cache->newest; v; v = next) {
        assert(v->pins == 0);
        next = v->older;
        free(v);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

const void *cached_value_data(const struct cached_value *v)
{
    return v->bytes;
}

size_t cached_value_size(const struct cached_value *v)
{
    return v->size;
}

static const void *key_of(const struct cached_value *v)
{
    return (const char *)v->bytes + v->size;
}

static size_t taken_by(const struct cached_value *v)
{
    return sizeof *v + v->size + v->key_size;
}

static void unlink_value(struct value_cache *cache, struct cached_value *v)
{
    *(v->newer ? &v->newer->older : &cache->newest) = v->older;
    *(v->older ? &v->older->newer : &cache->oldest) = v->newer;
    cache->bytes -= taken_by(v);
}

static void link_newest(struct value_cache *cache, struct cached_value *v)
{
    v->newer = NULL;
    v->older = cache->newest;
    *(v->older ? &v->older->newer : &cache->oldest) = v;
    cache->newest = v;
    cache->bytes += taken_by(v);
}

/* There are never so many that a look at each would take long beside what it saves. */
static struct cached_value *look_up(const struct value_cache *cache, const void *key, size_t key_size)
{
    struct cached_value *v = cache->newest;

    while (v && (v->key_size != key_size || memcmp(key_of(v), key, key_size) != 0))
        v = v->older;
    return v;
}

const struct cached_value *value_cache_find(struct value_cache *cache, const void *key, size_t key_size)
{
    struct cached_value *v;

    pthread_mutex_lock(&cache->lock);
    v = look_up(cache, key, key_size);
    if (v) {
        v->pins++;
        unlink_value(cache, v);
        link_newest(cache, v);
    }
    pthread_mutex_unlock(&cache->lock);
    return v;
}

void value_cache_release(struct value_cache *cache, const struct cached_value *value)
{
    /* Whoever gave it out knows that it may be changed. */
    struct cached_value *v = (struct cached_value *)value;

    if (!v)
        return;
    pthread_mutex_lock(&cache->lock);
    assert(v->pins > 0);
    v->pins--;
    pthread_mutex_unlock(&cache->lock);
}

/* Takes what nobody has pinned out of the list, the oldest first, until there is room; returns it, linked by
 * `older`. */
static struct cached_value *make_room(struct value_cache *cache, size_t bytes)
{
    struct cached_value *dropped = NULL, *newer;

    for (struct cached_value *v = cache->oldest; v && cache->bytes + bytes > cache->max_bytes; v = newer) {
        newer = v->newer;
        if (v->pins > 0)
            continue;
        unlink_value(cache, v);
        v->older = dropped;
        dropped = v;
    }
    return dropped;
}

static void free_dropped(struct cached_value *dropped)
{
    while (dropped) {
        struct cached_value *next = dropped->older;

        free(dropped);
        dropped = next;
    }
}

/* NULL without memory. */
static struct cached_value *new_value(const void *key, size_t key_size, const void *data, size_t size)
{
    struct cached_value *v;
    size_t bytes;

    if (!size_add(size, key_size, &bytes) || !size_add(bytes, sizeof *v, &bytes))
        return NULL;
    v = malloc(bytes);
    if (!v)
        return NULL;
    *v = (struct cached_value){.key_size = key_size, .size = size};
    memcpy(v->bytes, data, size);
    memcpy((char *)v->bytes + size, key, key_size);
    return v;
}

void value_cache_put(struct value_cache *cache, const void *key, size_t key_size, const void *data,
                     size_t size)
{
    struct cached_value *v = new_value(key, key_size, data, size), *dropped = NULL;

    if (!v)
        return;
    pthread_mutex_lock(&cache->lock);
    if (taken_by(v) <= cache->max_bytes && !look_up(cache, key, key_size)) {
        dropped = make_room(cache, taken_by(v));
        if (cache->bytes + taken_by(v) <= cache->max_bytes) {
            link_newest(cache, v);
            v = NULL;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    free(v);
    free_dropped(dropped);
}

size_t value_cache_bytes(struct value_cache *cache)
{
    size_t bytes;

    pthread_mutex_lock(&cache->lock);
    bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}
