#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size_math.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define RED_ZONE ARENA_ALIGN
#else
#define RED_ZONE                                   0
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

/* Not NULL, so that offsets from it are ordinary addresses; never dereferenced. */
static uint8_t *dry_base(void)
{
    return (uint8_t *)(uintptr_t)ARENA_ALIGN;
}

void arena_init_dry(struct arena *arena)
{
    *arena = (struct arena){.base = dry_base(), .dry = true};
}

enum ltd_status arena_reserve(struct arena *arena, size_t bytes, struct ltd_error *err)
{
    void *map;

    assert(!arena->base);
    if (bytes == 0)
        return LTD_OK;
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %zu bytes of scratch: %s", bytes, strerror(errno));
    *arena = (struct arena){.base = map, .size = bytes};
    ASAN_POISON_MEMORY_REGION(arena->base, arena->size);
    return LTD_OK;
}

void arena_fini(struct arena *arena)
{
    if (!arena->dry && arena->base) {
        ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->size);
        munmap(arena->base, arena->size);
    }
    *arena = (struct arena){0};
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes, padded, used;
    uint8_t *piece;

    if (!size_mul(count, size, &bytes) || !size_add(bytes, RED_ZONE + ARENA_ALIGN - 1, &padded) ||
        !size_add(arena->used, padded / ARENA_ALIGN * ARENA_ALIGN, &used)) {
        assert(arena->dry);
        arena->overflow = true;
        return dry_base();
    }
    piece = arena->base + arena->used;
    assert(arena->dry || used <= arena->size);
    arena->used = used;
    if (used > arena->peak)
        arena->peak = used;
    if (!arena->dry)
        ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    return piece;
}

void arena_rewind(struct arena *arena, size_t mark)
{
    assert(mark <= arena->used);
    if (!arena->dry)
        ASAN_POISON_MEMORY_REGION(arena->base + mark, arena->used - mark);
    arena->used = mark;
}
