#include "http/conn_table.h"

#include <linux/sockios.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/clock.h"

enum {
    HEAD_MS = 10000,
    IDLE_MS = 30000,
    BODY_MS = 15000,
    BODY_BYTES_PER_S = 64 * 1024,
    SEND_WINDOW_MS = 10000,
    SEND_BYTES_PER_WINDOW = 160 * 1024
};

struct conn {
    int fd;
    enum conn_phase phase;
    int64_t since_ms; /* of the phase, or of the window while sending */
    int64_t moved;    /* bytes in this phase */
    int64_t window;   /* bytes that had left this machine when the window began */
    bool cut;         /* already shut down */
    struct conn *next, *previous;
};

void conn_table_init(struct conn_table *table)
{
    pthread_mutex_init(&table->lock, NULL);
    table->first = NULL;
}

void conn_table_fini(struct conn_table *table)
{
    pthread_mutex_destroy(&table->lock);
}

struct conn *conn_table_add(struct conn_table *table, int fd)
{
    struct conn *conn = calloc(1, sizeof *conn);

    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->since_ms = clock_mono_ms();
    pthread_mutex_lock(&table->lock);
    conn->next = table->first;
    if (conn->next)
        conn->next->previous = conn;
    table->first = conn;
    pthread_mutex_unlock(&table->lock);
    return conn;
}

void conn_table_remove(struct conn_table *table, struct conn *conn)
{
    if (!conn)
        return;
    pthread_mutex_lock(&table->lock);
    if (conn->previous)
        conn->previous->next = conn->next;
    else
        table->first = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    pthread_mutex_unlock(&table->lock);
    free(conn);
}

int conn_fd(const struct conn *conn)
{
    return conn->fd;
}

void conn_table_enter(struct conn_table *table, struct conn *conn, enum conn_phase phase)
{
    const int64_t now = clock_mono_ms();

    pthread_mutex_lock(&table->lock);
    conn->phase = phase;
    conn->since_ms = now;
    conn->moved = 0;
    conn->window = 0;
    pthread_mutex_unlock(&table->lock);
}

void conn_table_moved(struct conn_table *table, struct conn *conn, size_t bytes)
{
    pthread_mutex_lock(&table->lock);
    conn->moved += (int64_t)bytes;
    pthread_mutex_unlock(&table->lock);
}

static bool sends_too_slowly(struct conn *conn, int64_t now_ms)
{
    int unsent = 0;
    int64_t left;

    if (now_ms - conn->since_ms < SEND_WINDOW_MS)
        return false;
    (void)ioctl(conn->fd, SIOCOUTQ, &unsent); /* what the kernel still holds has not been read */
    left = conn->moved - unsent;
    if (left - conn->window < SEND_BYTES_PER_WINDOW)
        return true;
    conn->window = left;
    conn->since_ms = now_ms;
    return false;
}

static bool is_late(struct conn *conn, int64_t now_ms)
{
    const int64_t age = now_ms - conn->since_ms;

    switch (conn->phase) {
    case CONN_HEAD:
        return age > HEAD_MS;
    case CONN_IDLE:
        return age > IDLE_MS;
    case CONN_BODY:
        return age > BODY_MS + conn->moved * 1000 / BODY_BYTES_PER_S;
    case CONN_SEND:
        return sends_too_slowly(conn, now_ms);
    case CONN_WAIT:
        break;
    }
    return false;
}

int conn_table_sweep(struct conn_table *table, int64_t now_ms)
{
    int count = 0;

    pthread_mutex_lock(&table->lock);
    for (struct conn *conn = table->first; conn; conn = conn->next) {
        if (conn->cut || !is_late(conn, now_ms))
            continue;
        shutdown(conn->fd, SHUT_RDWR);
        conn->cut = true;
        count++;
    }
    pthread_mutex_unlock(&table->lock);
    return count;
}

size_t conn_table_busy(struct conn_table *table)
{
    size_t count = 0;

    pthread_mutex_lock(&table->lock);
    for (const struct conn *conn = table->first; conn; conn = conn->next)
        count += conn->phase == CONN_BODY || conn->phase == CONN_WAIT || conn->phase == CONN_SEND;
    pthread_mutex_unlock(&table->lock);
    return count;
}
