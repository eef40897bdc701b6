#include "util/hash_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { ITEMS = 5000 };

struct item {
    struct hash_node node;
    int number;
};

static struct item items[ITEMS];

/* The item with that number, under the hash of its name. */
static struct item *find(const struct hash_table *table, int number)
{
    char name[16];
    const size_t size = (size_t)snprintf(name, sizeof name, "%d", number);
    struct hash_node *node = hash_table_first(table, hash_table_hash(table, name, size));

    while (node && HASH_OWNER(node, struct item, node)->number != number)
        node = hash_table_next(node);
    return HASH_OWNER(node, struct item, node);
}

static void add(struct hash_table *table, int number)
{
    char name[16];
    const size_t size = (size_t)snprintf(name, sizeof name, "%d", number);

    items[number].number = number;
    hash_table_add(table, &items[number].node, hash_table_hash(table, name, size));
}

TEST(what_was_added_is_found_until_it_is_taken)
{
    struct hash_table table;

    REQUIRE(hash_table_init(&table));
    for (int i = 0; i < ITEMS; i++)
        add(&table, i);
    CHECK_INT(table.count, ITEMS);
    for (int i = 0; i < ITEMS; i += 2)
        hash_table_take(&table, &items[i].node);
    for (int i = 0; i < ITEMS; i++)
        if (find(&table, i) != (i % 2 ? &items[i] : NULL))
            check_failed(__FILE__, __LINE__, "item %d", i);
    CHECK(!find(&table, ITEMS));
    hash_table_fini(&table);
}

TEST(chains_stay_short)
{
    struct hash_table table;
    size_t longest = 0;

    REQUIRE(hash_table_init(&table));
    for (int i = 0; i < ITEMS; i++)
        add(&table, i);
    for (size_t i = 0; i < table.bucket_count; i++) {
        size_t length = 0;

        for (const struct hash_node *node = table.buckets[i]; node; node = node->next)
            length++;
        longest = length > longest ? length : longest;
    }
    CHECK(longest < 16);
    hash_table_fini(&table);
}

TEST(of_one_hash_the_newest_comes_first_even_after_growing)
{
    struct hash_table table;
    struct hash_node *node;

    REQUIRE(hash_table_init(&table));
    for (int i = 0; i < 10; i++) {
        items[i].number = i;
        hash_table_add(&table, &items[i].node, 12345);
    }
    for (int i = 10; i < ITEMS; i++)
        add(&table, i);
    node = hash_table_first(&table, 12345);
    for (int i = 9; i >= 0; i--, node = hash_table_next(node)) {
        REQUIRE(node);
        CHECK_INT(HASH_OWNER(node, struct item, node)->number, i);
    }
    CHECK(!node);
    hash_table_fini(&table);
}

/* The vectors of the paper's reference: key 00 01 .. 0f, messages 00 01 .. */
TEST(the_hash_is_siphash)
{
    static const struct {
        size_t size;
        uint64_t want;
    } rows[] = {{0, 0x726fdb47dd0e0e31},
                {1, 0x74f839c593dc67fd},
                {7, 0xab0200f58b01d137},
                {8, 0x93f5f5799a932462},
                {15, 0xa129ca6149be45e5}};
    const struct hash_table table = {.key = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    uint8_t message[16];

    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(hash_table_hash(&table, message, rows[i].size) == rows[i].want);
}

TEST(two_tables_hash_differently)
{
    struct hash_table a, b;

    REQUIRE(hash_table_init(&a) && hash_table_init(&b));
    CHECK(hash_table_hash(&a, "x", 1) != hash_table_hash(&b, "x", 1));
    hash_table_fini(&a);
    hash_table_fini(&b);
}
