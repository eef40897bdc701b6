/*
 * hash.h - what the tokenizer's two open-addressing tables share.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

/* At most half of the slots are taken, so an honest table stays far below this; a file made so that its
 * entries collide is refused instead of making every look-up slow. */
enum { HASH_MAX_PROBES = 256 };

/* Spreads all bits of x over all bits of the result: the finalizer of Steele, Lea and Flood's SplitMix64. */
static inline uint64_t hash_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

/* A power of two of slots for count entries. */
static inline size_t hash_slots(size_t count)
{
    size_t slots = 16;

    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

#endif
