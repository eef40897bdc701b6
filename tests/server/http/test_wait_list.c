#include "http/wait_list.h"

#include <math.h>

#include "check.h"

static int connections[4];
static void *woken[4];

TEST(who_parks_first_is_resumed_by_who_wakes)
{
    struct wait_list list;
    struct wait_entry entry = {0};
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(!wait_list_park(&list, &entry, 0, true));
    CHECK(wait_list_wake(&list, ticket) == &connections[0]);
    CHECK(wait_list_wake(&list, ticket) == NULL);
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(who_is_woken_first_is_resumed_by_who_parks)
{
    struct wait_list list;
    struct wait_entry entry = {0};
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(wait_list_wake(&list, ticket) == NULL);
    CHECK(wait_list_park(&list, &entry, 0, true));
    CHECK_INT(wait_list_wake_due(&list, INFINITY, woken, COUNT(woken)), 0);
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(tickets_are_never_used_twice_and_unknown_ones_do_nothing)
{
    struct wait_list list;
    struct wait_entry entry = {0};
    uint64_t first, second;

    wait_list_init(&list);
    first = wait_list_add(&list, &entry, &connections[0]);
    wait_list_remove(&list, &entry);
    second = wait_list_add(&list, &entry, &connections[1]);
    CHECK(first != second);
    CHECK(!wait_list_park(&list, &entry, 0, true));
    CHECK(wait_list_wake(&list, first) == NULL);
    CHECK(wait_list_wake(&list, second) == &connections[1]);
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(a_client_is_gone_once_and_only_while_it_waits)
{
    struct wait_list list;
    struct wait_entry entry = {.note = "0123456789012345678901234567890123456789"};
    char note[HTTP_NOTE_SIZE];
    bool tell = false;
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(!wait_list_mark_gone(&list, ticket, note, &tell));
    CHECK(!wait_list_park(&list, &entry, 0, true));
    CHECK(wait_list_mark_gone(&list, ticket, note, &tell));
    CHECK(tell);
    CHECK(memcmp(note, entry.note, sizeof note) == 0);
    CHECK(wait_list_is_gone(&list, &entry));
    CHECK(!wait_list_mark_gone(&list, ticket, note, &tell));
    CHECK(wait_list_wake(&list, ticket) == &connections[0]);
    CHECK(!wait_list_mark_gone(&list, ticket, note, &tell));
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(a_client_that_nobody_asks_for_is_gone_without_being_told)
{
    struct wait_list list;
    struct wait_entry entry = {.note = "0123456789012345678901234567890123456789"};
    char note[HTTP_NOTE_SIZE];
    bool tell = true;
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(!wait_list_park(&list, &entry, 0, false));
    CHECK(wait_list_mark_gone(&list, ticket, note, &tell));
    CHECK(!tell);
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(who_listens_again_can_be_parked_and_woken_again_and_misses_nothing)
{
    struct wait_list list;
    struct wait_entry entry = {0};
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    for (int i = 0; i < 3; i++) {
        CHECK(!wait_list_park(&list, &entry, 0, true));
        CHECK(wait_list_wake(&list, ticket) == &connections[0]);
        wait_list_listen(&list, &entry);
    }
    CHECK(wait_list_wake(&list, ticket) == NULL); /* while the handler runs */
    CHECK(wait_list_park(&list, &entry, 0, true));
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(those_are_due_whose_time_has_come_each_once_and_at_the_end_all)
{
    struct wait_list list;
    struct wait_entry entries[4] = {0};

    wait_list_init(&list);
    for (int i = 0; i < 4; i++)
        wait_list_add(&list, &entries[i], &connections[i]);
    CHECK(!wait_list_park(&list, &entries[0], 10, true));
    CHECK(!wait_list_park(&list, &entries[1], 0, true));
    CHECK(!wait_list_park(&list, &entries[2], 20, true)); /* and 3 is not parked */
    CHECK_INT(wait_list_wake_due(&list, 9.9, woken, COUNT(woken)), 0);
    CHECK_INT(wait_list_wake_due(&list, 10, woken, COUNT(woken)), 1);
    CHECK(woken[0] == &connections[0]);
    CHECK_INT(wait_list_wake_due(&list, 10, woken, COUNT(woken)), 0);
    CHECK_INT(wait_list_wake_due(&list, INFINITY, woken, 1), 1);
    CHECK_INT(wait_list_wake_due(&list, INFINITY, woken, COUNT(woken)), 1);
    CHECK_INT(wait_list_wake_due(&list, INFINITY, woken, COUNT(woken)), 0);
    for (int i = 0; i < 4; i++)
        wait_list_remove(&list, &entries[i]);
    wait_list_fini(&list);
}
