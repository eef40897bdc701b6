/*
 * attention_isa.h - one tile of attention: some queries of a head against all of its keys, in scratch of a
 * few hundred kilobytes whatever the number of keys (Dao et al. 2022, "FlashAttention"; Milakov and
 * Gimelshein 2018).
 *
 * Built once for each instruction-set level, as vector_ops_isa.c is.
 */
#ifndef ATTENTION_ISA_H
#define ATTENTION_ISA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "tensor/exec.h"

struct attention_tile {
    const float *q, *k, *v; /* the head's first channel of the first query, key and value */
    float *out;             /* likewise */
    size_t stride;          /* from one row to the next, in all four */
    size_t rows, keys, d;   /* queries of this tile, keys of the head, channels of the head */
    size_t block;           /* keys at a time: few enough for their scores to stay in the L1 cache */
    size_t first;           /* causal: query i sees the keys 0 to first + i */
    bool causal;
    bool bf16; /* both products multiply bf16: queries, keys, weights and values are rounded to it */
    float scale;
    const atomic_bool *cancel; /* NULL: cannot be cancelled; else looked at once a block */
};

struct attention_kernel {
    const char *isa;
    size_t panel; /* queries that are computed side by side: tiles should hold a multiple of it */
    /* Bytes of scratch, aligned to 64, for a tile of these sizes. */
    size_t (*scratch_bytes)(size_t rows, size_t d, size_t block);
    void (*run)(const struct attention_tile *t, void *scratch);
};

/* The kernel of a level (vector_ops()->isa); NULL if this build or this processor does not have it. */
const struct attention_kernel *attention_kernel_find(const char *isa);

/* attention() at a level of one's own choice, for tests. */
void attention_by(const struct attention_kernel *kernel, struct exec *e, struct tensor out, struct tensor q,
                  struct tensor k, struct tensor v, size_t heads, double scale, bool causal);

#endif
