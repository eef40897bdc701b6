/* test_heap_list.c - allocations that are freed together. */
#include "base/heap_list.h"

#include <stdint.h>

#include "check.h"

TEST(pieces_are_zeroed_aligned_and_counted)
{
    struct heap_list list = {0};
    size_t bytes = 0;

    for (size_t i = 0; i < 40; i++) {
        unsigned char *piece = heap_list_alloc(&list, i, 3);

        REQUIRE(piece != NULL);
        CHECK_INT((uintptr_t)piece % 64, 0);
        for (size_t k = 0; k < i * 3; k++)
            CHECK_INT(piece[k], 0);
        memset(piece, 0xff, i * 3);
        bytes += i * 3;
        CHECK_INT(list.bytes, bytes);
    }
    heap_list_fini(&list);
    CHECK(list.head == NULL && list.bytes == 0);
}

TEST(sizes_that_do_not_fit_give_nothing)
{
    struct heap_list list = {0};

    CHECK(heap_list_alloc(&list, SIZE_MAX, 2) == NULL);
    CHECK(heap_list_alloc(&list, SIZE_MAX, 1) == NULL);
    CHECK(heap_list_alloc(&list, SIZE_MAX - 100, 1) == NULL);
    CHECK(list.head == NULL && list.bytes == 0);
    heap_list_fini(&list);
    heap_list_fini(&list);
}
