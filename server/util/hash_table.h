/*
 * hash_table.h - finds things by bytes that a stranger may have chosen.
 *
 * Intrusive: what stands in a table has a struct hash_node for it.  The hash is keyed with random numbers
 * (SipHash-2-4), so nobody outside can make names that all fall into one bucket.  Not locked.
 */
#ifndef HASH_TABLE_H
#define HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_node {
    struct hash_node *next, **link; /* what points here */
    uint64_t hash;
};

/* The struct of `type` whose member is at node, which may be NULL. */
#define HASH_OWNER(node, type, member) ((node) ? (type *)((char *)(node)-offsetof(type, member)) : NULL)

struct hash_table {
    struct hash_node **buckets; /* [bucket_count], a power of two */
    size_t bucket_count, count;
    uint64_t key[2];
};

/* False without memory, or when the kernel gives no random numbers. */
bool hash_table_init(struct hash_table *table);
/* Frees the table and none of what stands in it; also of a zeroed struct. */
void hash_table_fini(struct hash_table *table);

uint64_t hash_table_hash(const struct hash_table *table, const void *data, size_t size);

/* Puts a node in, before others of the same hash.  Cannot fail: without memory to grow, it only gets slower.
 */
void hash_table_add(struct hash_table *table, struct hash_node *node, uint64_t hash);
/* Takes out a node that is in; as quick for one of many of the same hash. */
void hash_table_take(struct hash_table *table, struct hash_node *node);

/* The nodes of one hash, which the caller still has to compare: the one added last, and the one before it;
 * NULL: there is no more. */
struct hash_node *hash_table_first(const struct hash_table *table, uint64_t hash);
struct hash_node *hash_table_next(const struct hash_node *node);

#endif
