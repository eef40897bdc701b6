/* test_arena.c - the stack of scratch memory, counted and real. */
#include "base/arena.h"

#include <stdint.h>

#include "check.h"
#include "random_values.h"

TEST(pieces_are_aligned_and_apart)
{
    struct arena arena = {0};
    uint8_t *piece[5];

    REQUIRE(arena_reserve(&arena, 1 << 16, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(piece); i++) {
        piece[i] = arena_alloc(&arena, 3 * i + 1, 7);
        CHECK_INT((uintptr_t)piece[i] % ARENA_ALIGN, 0);
        memset(piece[i], (int)i, (3 * i + 1) * 7);
    }
    for (size_t i = 0; i < COUNT(piece); i++)
        for (size_t k = 0; k < (3 * i + 1) * 7; k++)
            CHECK_INT(piece[i][k], i);
    arena_fini(&arena);
    CHECK(arena.base == NULL && arena.used == 0);
}

TEST(rewinding_gives_the_same_place_again)
{
    struct arena arena = {0};
    size_t mark;
    void *first, *second;

    REQUIRE(arena_reserve(&arena, 1 << 12, NULL) == LTD_OK);
    arena_alloc(&arena, 100, 1);
    mark = arena_mark(&arena);
    first = arena_alloc(&arena, 200, 1);
    arena_alloc(&arena, 300, 1);
    arena_rewind(&arena, mark);
    CHECK_INT(arena.used, mark);
    CHECK(arena.peak >= mark + 500);
    second = arena_alloc(&arena, 50, 1);
    CHECK(first == second);
    arena_fini(&arena);
}

/* A walk of pieces taken and given back; the same for the same seed. */
static void walk(struct arena *arena, uint64_t seed, bool real)
{
    size_t marks[64], depth = 0;

    for (int i = 0; i < 2000; i++) {
        if (depth > 0 && (depth == COUNT(marks) || random_size(&seed, 0, 2) == 0)) {
            arena_rewind(arena, marks[--depth]);
        } else {
            const size_t count = random_size(&seed, 0, 300), size = random_size(&seed, 0, 9);
            void *piece;

            marks[depth++] = arena_mark(arena);
            piece = arena_alloc(arena, count, size);
            if (real && count * size > 0)
                memset(piece, 0x5a, count * size);
        }
    }
    while (depth > 0)
        arena_rewind(arena, marks[--depth]);
}

TEST(what_is_counted_is_what_is_used)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct arena dry, real = {0};

        arena_init_dry(&dry);
        walk(&dry, seed, false);
        CHECK(!dry.overflow);
        CHECK_INT(dry.used, 0);
        REQUIRE(arena_reserve(&real, dry.peak, NULL) == LTD_OK);
        walk(&real, seed, true);
        CHECK_INT(real.peak, dry.peak);
        CHECK_INT(real.used, 0);
        arena_fini(&real);
        arena_fini(&dry);
    }
}

TEST(a_size_that_does_not_fit_is_noted_when_counting)
{
    static const size_t pairs[][2] = {{SIZE_MAX, 2}, {SIZE_MAX / 2, 3}, {SIZE_MAX, 1}, {SIZE_MAX - 32, 1}};

    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct arena dry;

        arena_init_dry(&dry);
        arena_alloc(&dry, 100, 1);
        CHECK(!dry.overflow);
        CHECK(arena_alloc(&dry, pairs[i][0], pairs[i][1]) != NULL);
        CHECK(dry.overflow);
    }
}

TEST(pieces_that_together_do_not_fit_are_noted)
{
    struct arena dry;

    arena_init_dry(&dry);
    arena_alloc(&dry, SIZE_MAX / 2, 1);
    CHECK(!dry.overflow);
    arena_alloc(&dry, SIZE_MAX / 2, 1);
    arena_alloc(&dry, SIZE_MAX / 2, 1);
    CHECK(dry.overflow);
}

TEST(more_memory_than_there_is_is_an_error)
{
    struct arena arena = {0};
    struct ltd_error err = {0};

    CHECK_INT(arena_reserve(&arena, SIZE_MAX / 2, &err), LTD_ENOMEM);
    CHECK_INT(err.status, LTD_ENOMEM);
    CHECK(arena.base == NULL && arena.size == 0);
    CHECK_INT(arena_reserve(&arena, 0, &err), LTD_OK);
    arena_fini(&arena);
}
