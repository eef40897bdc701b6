#include "util/hash_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/random_id.h"

enum { FIRST_BUCKETS = 64 };

/* More than anything here ever holds; beyond it chains only grow longer. */
static const size_t most_buckets = (size_t)1 << 24;

bool hash_table_init(struct hash_table *table)
{
    *table = (struct hash_table){.bucket_count = FIRST_BUCKETS};
    if (!random_fill(table->key, sizeof table->key))
        return false;
    table->buckets = calloc(table->bucket_count, sizeof(struct hash_node *));
    return table->buckets != NULL;
}

void hash_table_fini(struct hash_table *table)
{
    free(table->buckets);
    *table = (struct hash_table){0};
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with two and four rounds. */
uint64_t hash_table_hash(const struct hash_table *table, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t v[4] = {table->key[0] ^ 0x736f6d6570736575u, table->key[1] ^ 0x646f72616e646f6du,
                     table->key[0] ^ 0x6c7967656e657261u, table->key[1] ^ 0x7465646279746573u};

    for (size_t left = size;; left -= 8, bytes += 8) {
        uint64_t word = left < 8 ? (uint64_t)size << 56 : 0;

        for (size_t i = 0; i < 8 && i < left; i++)
            word |= (uint64_t)bytes[i] << (8 * i);
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct hash_node **bucket_of(const struct hash_table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

/* Puts a node where link is. */
static void put(struct hash_node **link, struct hash_node *node)
{
    node->next = *link;
    node->link = link;
    if (node->next)
        node->next->link = &node->next;
    *link = node;
}

/* Each bucket becomes two, in which the nodes keep their order. */
static void grow(struct hash_table *table)
{
    const size_t half = table->bucket_count;
    struct hash_node **buckets;

    if (half >= most_buckets)
        return;
    buckets = calloc(2 * half, sizeof(struct hash_node *));
    if (!buckets)
        return;
    for (size_t i = 0; i < half; i++) {
        struct hash_node **tails[2] = {&buckets[i], &buckets[i + half]};

        for (struct hash_node *node = table->buckets[i], *next; node; node = next) {
            const size_t side = (node->hash & half) != 0;

            next = node->next;
            put(tails[side], node);
            tails[side] = &node->next;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = 2 * half;
}

void hash_table_add(struct hash_table *table, struct hash_node *node, uint64_t hash)
{
    if (table->count >= table->bucket_count)
        grow(table);
    node->hash = hash;
    put(bucket_of(table, hash), node);
    table->count++;
}

void hash_table_take(struct hash_table *table, struct hash_node *node)
{
    *node->link = node->next;
    if (node->next)
        node->next->link = node->link;
    table->count--;
}

static struct hash_node *same_hash(struct hash_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct hash_node *hash_table_first(const struct hash_table *table, uint64_t hash)
{
    return same_hash(*bucket_of(table, hash), hash);
}

struct hash_node *hash_table_next(const struct hash_node *node)
{
    return same_hash(node->next, node->hash);
}
