#include "store/queue_order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool queue_order_init(struct queue_order *order, size_t room)
{
    *order = (struct queue_order){.room = room};
    order->tree = calloc(room + 1, sizeof *order->tree);
    return order->tree != NULL;
}

void queue_order_fini(struct queue_order *order)
{
    free(order->tree);
    *order = (struct queue_order){0};
}

bool queue_order_is_spent(const struct queue_order *order)
{
    return order->used == order->room;
}

void queue_order_clear(struct queue_order *order)
{
    memset(order->tree, 0, (order->room + 1) * sizeof *order->tree);
    order->used = 0;
}

/* tree[i] counts those in the i & -i slots that end with slot i - 1. */
static void count(struct queue_order *order, size_t slot, int change)
{
    for (size_t i = slot + 1; i <= order->room; i += i & -i)
        order->tree[i] += change;
}

size_t queue_order_append(struct queue_order *order)
{
    assert(!queue_order_is_spent(order));
    count(order, order->used, 1);
    return order->used++;
}

void queue_order_leave(struct queue_order *order, size_t slot)
{
    count(order, slot, -1);
}

int queue_order_place(const struct queue_order *order, size_t slot)
{
    int place = 0;

    for (size_t i = slot + 1; i > 0; i -= i & -i)
        place += order->tree[i];
    return place;
}
