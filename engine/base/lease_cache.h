/*
 * lease_cache.h - large things that are made when somebody needs one, and shared by all who need the same
 * one.
 *
 * Things that nobody holds are kept for who comes next, as many as the cache may keep idle; the one that has
 * been idle the longest goes first.
 */
#ifndef LEASE_CACHE_H
#define LEASE_CACHE_H

#include <stddef.h>

#include <latentd/error.h>

struct lease_cache;

/* Makes the thing of a key, outside of any lock; who asks for the same one meanwhile waits for it. */
typedef enum ltd_status lease_make_fn(void *arg, void **out, struct ltd_error *err);
typedef void lease_free_fn(void *thing);

/* Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status lease_cache_new(size_t idle_most, lease_free_fn *free_thing,
                                             struct lease_cache **out, struct ltd_error *err);
void lease_cache_free(struct lease_cache *cache); /* NULL is fine; nobody may hold anything */

/* The thing of this key, made if there is none; the caller gives it back to lease_cache_release.  Before one
 * is made, those that nobody holds go, but for idle_most - 1.  When making fails, each of those who wait
 * tries it with its own arg.  Safe on any thread.  Errors: make's, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status lease_cache_take(struct lease_cache *cache, const void *key, size_t key_size,
                                              lease_make_fn *make, void *arg, void **out,
                                              struct ltd_error *err);
void lease_cache_release(struct lease_cache *cache, void *thing); /* NULL is fine */

#endif
