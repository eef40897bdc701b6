/*
 * value_cache.h - what was computed before, found by what it was computed from.
 *
 * Keys and values are plain bytes.  All functions but _new and _free may be called by any number of threads
 * at once.  A value that was found is pinned: it neither changes nor goes away until it is released.  When
 * there is no more room, values that nobody has pinned go, those first that were not asked for the longest.
 */
#ifndef VALUE_CACHE_H
#define VALUE_CACHE_H

#include <stddef.h>

#include <latentd/error.h>

struct value_cache;
struct cached_value;

/* max_bytes: of keys, values and what it takes to keep them.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status value_cache_new(size_t max_bytes, struct value_cache **out,
                                             struct ltd_error *err);
void value_cache_free(struct value_cache *cache); /* NULL is fine; nothing may be pinned */

/* Pins the value of this key, which the caller releases; NULL: there is none. */
const struct cached_value *value_cache_find(struct value_cache *cache, const void *key, size_t key_size);
void value_cache_release(struct value_cache *cache, const struct cached_value *value); /* NULL is fine */

/* A pinned value's bytes, aligned for any type. */
const void *cached_value_data(const struct cached_value *value);
size_t cached_value_size(const struct cached_value *value);

/* Keeps a copy of the value.  Nothing happens when the key has one already, when the value is too large, or
 * when there is no memory: then it will be computed again. */
void value_cache_put(struct value_cache *cache, const void *key, size_t key_size, const void *value,
                     size_t size);

/* Bytes that are taken, of max_bytes. */
size_t value_cache_bytes(struct value_cache *cache);

#endif
