#include "http/wait_list.h"

#include "check.h"

static int connections[4];

TEST(who_parks_first_is_resumed_by_who_wakes)
{
    struct wait_list list;
    struct wait_entry entry = {0};
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(!wait_list_park(&list, &entry));
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
    CHECK(wait_list_park(&list, &entry));
    CHECK(wait_list_wake_any(&list) == NULL);
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
    CHECK(!wait_list_park(&list, &entry));
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
    uint64_t ticket;

    wait_list_init(&list);
    ticket = wait_list_add(&list, &entry, &connections[0]);
    CHECK(!wait_list_mark_gone(&list, ticket, note));
    CHECK(!wait_list_park(&list, &entry));
    CHECK(wait_list_mark_gone(&list, ticket, note));
    CHECK(memcmp(note, entry.note, sizeof note) == 0);
    CHECK(wait_list_is_gone(&list, &entry));
    CHECK(!wait_list_mark_gone(&list, ticket, note));
    CHECK(wait_list_wake(&list, ticket) == &connections[0]);
    CHECK(!wait_list_mark_gone(&list, ticket, note));
    wait_list_remove(&list, &entry);
    wait_list_fini(&list);
}

TEST(wake_any_wakes_each_once)
{
    struct wait_list list;
    struct wait_entry entries[3] = {0};
    int count = 0;

    wait_list_init(&list);
    for (int i = 0; i < 3; i++)
        wait_list_add(&list, &entries[i], &connections[i]);
    CHECK(!wait_list_park(&list, &entries[0]));
    CHECK(!wait_list_park(&list, &entries[2]));
    while (wait_list_wake_any(&list))
        count++;
    CHECK_INT(count, 2);
    for (int i = 0; i < 3; i++)
        wait_list_remove(&list, &entries[i]);
    wait_list_fini(&list);
}
