#include "store/queue_order.h"

#include "check.h"

enum { ROOM = 500 };

/* Against counting one by one, over comings and goings in no order. */
TEST(places_are_those_that_counting_gives)
{
    struct queue_order order;
    bool there[ROOM] = {false};
    unsigned state = 1;

    REQUIRE(queue_order_init(&order, ROOM));
    while (!queue_order_is_spent(&order)) {
        size_t gone;

        there[queue_order_append(&order)] = true;
        state = state * 1103515245 + 12345;
        gone = (state >> 8) % ROOM;
        if (there[gone] && state & 1 << 30) {
            there[gone] = false;
            queue_order_leave(&order, gone);
        }
        for (size_t slot = 0, place = 0; slot < order.used; slot++) {
            place += there[slot];
            if (queue_order_place(&order, slot) != (int)place)
                check_failed(__FILE__, __LINE__, "slot %zu of %zu", slot, order.used);
        }
    }
    queue_order_clear(&order);
    CHECK_INT(queue_order_place(&order, queue_order_append(&order)), 1);
    queue_order_fini(&order);
}
