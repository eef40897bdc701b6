/*
 * seed_sequence.h - many seeds out of one, as numpy's random.SeedSequence spreads them.
 *
 * The same entropy and path give the same seeds; another path gives others that have nothing to do with them.
 */
#ifndef SEED_SEQUENCE_H
#define SEED_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

enum { SEED_PATH_MAX = 2 };

/* The first word of SeedSequence(entropy, spawn_key=path, pool_size=24).generate_state: a pool of 24 words is
 * torchsde's.  path [length] has at most SEED_PATH_MAX numbers. */
uint32_t seed_sequence_first(uint64_t entropy, const uint64_t *path, size_t length);

#endif
