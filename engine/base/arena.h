/*
 * arena.h - the scratch memory of one generation: reserved once, handed out as a stack.
 *
 * The same code runs twice: first on a dry arena, which only counts, then on one reserved at the counted
 * size.  A dry arena hands out addresses that must not be read or written.  In address-sanitizer builds what
 * is not handed out is poisoned, with a red zone behind every piece.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#define ARENA_ALIGN 64

struct arena {
    uint8_t *base;
    size_t size; /* bytes reserved; 0 for a dry arena */
    size_t used; /* bytes handed out now */
    size_t peak; /* the most that used has been so far */
    bool dry;
    bool overflow; /* a size did not fit size_t: the plan is void */
};

void arena_init_dry(struct arena *arena);
/* Reserves exactly `bytes` for a zeroed arena.  Errors: LTD_ENOMEM, and the arena stays empty. */
LTD_MUST_USE enum ltd_status arena_reserve(struct arena *arena, size_t bytes, struct ltd_error *err);
void arena_fini(struct arena *arena);

/* count * size bytes, aligned to ARENA_ALIGN, uninitialised.  Never fails: the dry run has counted before. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* What is handed out after a mark is taken back by rewinding to it. */
static inline size_t arena_mark(const struct arena *arena)
{
    return arena->used;
}
void arena_rewind(struct arena *arena, size_t mark);

#endif
