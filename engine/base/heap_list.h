/*
 * heap_list.h - allocations that live and die together: the private memory of a model's parts.
 */
#ifndef HEAP_LIST_H
#define HEAP_LIST_H

#include <stddef.h>

struct heap_block;
struct heap_list {
    struct heap_block *head;
    size_t bytes; /* handed out in all */
};

/* count * size bytes, aligned to 64, zeroed, freed by heap_list_fini; NULL without memory or on overflow. */
void *heap_list_alloc(struct heap_list *list, size_t count, size_t size);
void heap_list_fini(struct heap_list *list); /* also of a zeroed struct */

#endif
