#include "base/seed_sequence.h"

#include <assert.h>

enum { POOL = 24, MOST_WORDS = POOL + 2 * SEED_PATH_MAX };

/* The constants are numpy's (_bit_generator.pyx), after O'Neill's seed_seq_fe. */
static uint32_t hash(uint32_t value, uint32_t *constant, uint32_t multiplier)
{
    value ^= *constant;
    *constant *= multiplier;
    value *= *constant;
    return value ^ (value >> 16);
}

static uint32_t hash_in(uint32_t value, uint32_t *constant)
{
    return hash(value, constant, 0x931e8875U);
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    const uint32_t mixed = 0xca01f9ddU * x - 0x4973f715U * y;

    return mixed ^ (mixed >> 16);
}

/* The low word, and the high one if it is not 0; returns how many. */
static size_t put_words(uint32_t *words, uint64_t number)
{
    words[0] = (uint32_t)number;
    words[1] = (uint32_t)(number >> 32);
    return words[1] ? 2 : 1;
}

uint32_t seed_sequence_first(uint64_t entropy, const uint64_t *path, size_t length)
{
    uint32_t words[MOST_WORDS] = {0}, pool[POOL], constant = 0x43b0d7e5U;
    size_t count = POOL;

    assert(length <= SEED_PATH_MAX);
    put_words(words, entropy);
    for (size_t i = 0; i < length; i++)
        count += put_words(words + count, path[i]);
    for (size_t i = 0; i < POOL; i++)
        pool[i] = hash_in(words[i], &constant);
    for (size_t from = 0; from < POOL; from++)
        for (size_t to = 0; to < POOL; to++)
            if (from != to)
                pool[to] = mix(pool[to], hash_in(pool[from], &constant));
    for (size_t from = POOL; from < count; from++)
        for (size_t to = 0; to < POOL; to++)
            pool[to] = mix(pool[to], hash_in(words[from], &constant));
    constant = 0x8b51f9ddU;
    return hash(pool[0], &constant, 0x58f38dedU);
}
