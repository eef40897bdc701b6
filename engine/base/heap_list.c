#include "base/heap_list.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_math.h"

#define BLOCK_ALIGN 64

struct heap_block {
    alignas(BLOCK_ALIGN) struct heap_block *next;
};

void *heap_list_alloc(struct heap_list *list, size_t count, size_t size)
{
    struct heap_block *block;
    size_t bytes, total;

    if (!size_mul(count, size, &bytes) || !size_add(bytes, sizeof *block + BLOCK_ALIGN - 1, &total))
        return NULL;
    total = total / BLOCK_ALIGN * BLOCK_ALIGN;
    block = aligned_alloc(BLOCK_ALIGN, total);
    if (!block)
        return NULL;
    memset(block, 0, total);
    block->next = list->head;
    list->head = block;
    list->bytes += bytes;
    return block + 1;
}

void heap_list_fini(struct heap_list *list)
{
    while (list->head) {
        struct heap_block *next = list->head->next;

        free(list->head);
        list->head = next;
    }
    list->bytes = 0;
}
