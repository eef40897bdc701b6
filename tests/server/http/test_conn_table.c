#include "http/conn_table.h"

#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "util/clock.h"

static struct conn_table table;
static int ends[2];

static struct conn *open_conn(void)
{
    conn_table_init(&table);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return NULL;
    return conn_table_add(&table, ends[0]);
}

static void close_conn(struct conn *conn)
{
    conn_table_remove(&table, conn);
    conn_table_fini(&table);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_phase_has_its_limit)
{
    static const struct {
        enum conn_phase phase;
        double still, late; /* seconds */
    } rows[] = {
        {CONN_HEAD, 9.9, 10.5}, {CONN_BODY, 14.9, 15.5}, {CONN_IDLE, 29.9, 30.5}, {CONN_SEND, 9.9, 10.5}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conn *conn = open_conn();
        double now;
        char byte;

        REQUIRE(conn);
        conn_table_enter(&table, conn, rows[i].phase);
        now = clock_monotonic();
        CHECK_INT(conn_table_sweep(&table, now + rows[i].still), 0);
        CHECK_INT(conn_table_sweep(&table, now + rows[i].late), 1);
        CHECK_INT(conn_table_sweep(&table, now + rows[i].late), 0);
        CHECK_INT(recv(ends[1], &byte, 1, 0), 0); /* the other end sees it */
        close_conn(conn);
    }
}

TEST(a_waiting_connection_has_no_limit)
{
    struct conn *conn = open_conn();

    REQUIRE(conn);
    conn_table_enter(&table, conn, CONN_WAIT);
    CHECK_INT(conn_table_sweep(&table, clock_monotonic() + 1e6), 0);
    CHECK_INT(conn_table_busy(&table), 1);
    conn_table_enter(&table, conn, CONN_IDLE);
    CHECK_INT(conn_table_busy(&table), 0);
    close_conn(conn);
}

TEST(a_sealed_table_lets_nobody_wait_and_seals_only_when_nobody_does)
{
    struct conn *conn = open_conn();

    REQUIRE(conn);
    conn_table_enter(&table, conn, CONN_STREAM);
    CHECK(conn_table_suspend(&table, conn));
    CHECK(!conn_table_seal(&table));
    CHECK(conn_table_suspend(&table, conn));
    conn_table_resume(&table, conn);
    CHECK(conn_table_seal(&table));
    CHECK(!conn_table_suspend(&table, conn));
    CHECK(conn_table_seal(&table));
    close_conn(conn);
}

TEST(a_suspended_connection_that_ends_no_longer_keeps_the_table_from_being_sealed)
{
    struct conn *conn = open_conn();

    REQUIRE(conn);
    CHECK(conn_table_suspend(&table, conn));
    conn_table_enter(&table, conn, CONN_WAIT);
    CHECK(!conn_table_seal(&table));
    conn_table_enter(&table, conn, CONN_IDLE);
    CHECK(conn_table_seal(&table));
    close_conn(conn);
}

TEST(a_stream_may_be_silent_but_not_unread)
{
    struct conn *conn = open_conn();
    static char data[64 * 1024];
    double now;

    REQUIRE(conn);
    conn_table_enter(&table, conn, CONN_STREAM);
    now = clock_monotonic();
    conn_table_moved(&table, conn, 100);
    CHECK_INT(conn_table_sweep(&table, now + 1e6), 0); /* all has been read */
    now += 1e6;
    conn_table_moved(&table, conn, sizeof data);
    CHECK_INT(send(ends[0], data, sizeof data, MSG_DONTWAIT), sizeof data);
    CHECK_INT(conn_table_sweep(&table, now + 29.9), 0);
    CHECK_INT(recv(ends[1], data, 40 * 1024, MSG_WAITALL), 40 * 1024);
    CHECK_INT(conn_table_sweep(&table, now + 30.5), 0);
    CHECK_INT(conn_table_sweep(&table, now + 60.2), 0);
    CHECK_INT(conn_table_sweep(&table, now + 60.8), 1);
    close_conn(conn);
}

TEST(bytes_that_come_buy_time_at_64_KiB_a_second)
{
    struct conn *conn = open_conn();
    double now;

    REQUIRE(conn);
    conn_table_enter(&table, conn, CONN_BODY);
    now = clock_monotonic();
    conn_table_moved(&table, conn, 10 * 64 * 1024);
    CHECK_INT(conn_table_sweep(&table, now + 24.9), 0);
    CHECK_INT(conn_table_sweep(&table, now + 25.5), 1);
    close_conn(conn);
}

TEST(bytes_that_left_open_the_next_window_and_bytes_still_in_the_kernel_do_not)
{
    struct conn *conn = open_conn();
    static char data[150 * 1024];
    double now;

    REQUIRE(conn);
    conn_table_enter(&table, conn, CONN_SEND);
    now = clock_monotonic();
    conn_table_moved(&table, conn, 200 * 1024);
    CHECK_INT(conn_table_sweep(&table, now + 10.5), 0);
    conn_table_moved(&table, conn, 200 * 1024);
    CHECK_INT(send(ends[0], data, sizeof data, MSG_DONTWAIT), sizeof data); /* and nobody reads it */
    CHECK_INT(conn_table_sweep(&table, now + 21.5), 1);
    close_conn(conn);
}
