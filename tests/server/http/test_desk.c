#include "http/desk.h"

#include <stdatomic.h>

#include "check.h"

enum { ITEMS = 100 };

static struct numbered {
    struct desk_item item; /* first: a pointer to it is one to the whole */
    int turn;
} items[ITEMS];

static atomic_int turns;

static void run(struct desk_item *item)
{
    ((struct numbered *)item)->turn = atomic_fetch_add(&turns, 1);
}

TEST(all_that_was_brought_is_run_in_order_also_when_the_desk_closes)
{
    struct desk desk;

    atomic_store(&turns, 0);
    REQUIRE(desk_open(&desk));
    for (int i = 0; i < ITEMS; i++) {
        items[i].item.run = run;
        desk_bring(&desk, &items[i].item);
    }
    desk_close(&desk);
    CHECK_INT(atomic_load(&turns), ITEMS);
    for (int i = 0; i < ITEMS; i++)
        CHECK_INT(items[i].turn, i);
}
