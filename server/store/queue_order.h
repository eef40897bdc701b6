/*
 * queue_order.h - the exact place of everybody in a long queue, without counting.
 *
 * Who joins takes the next slot; a Fenwick tree counts the taken slots before any other.  Slots are not used
 * again: once they are spent, the queue is numbered anew.  (P. M. Fenwick, "A new data structure for
 * cumulative frequency tables", 1994.)
 */
#ifndef QUEUE_ORDER_H
#define QUEUE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct queue_order {
    int *tree; /* [room + 1] */
    size_t room, used;
};

/* With `room` slots; false without memory. */
bool queue_order_init(struct queue_order *order, size_t room);
void queue_order_fini(struct queue_order *order); /* also of a zeroed struct */

bool queue_order_is_spent(const struct queue_order *order);
/* Forgets everybody. */
void queue_order_clear(struct queue_order *order);
/* The slot of a new last one; not when all are spent. */
size_t queue_order_append(struct queue_order *order);
void queue_order_leave(struct queue_order *order, size_t slot);
/* How many are there up to the slot and in it: the place of the one who has it, from 1. */
int queue_order_place(const struct queue_order *order, size_t slot);

#endif
