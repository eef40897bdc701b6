#include "http/conn_table.h"

#include <linux/sockios.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/clock.h"

enum {
    HEAD_S = 10,
    IDLE_S = 30,
    BODY_S = 15,
    BODY_BYTES_PER_S = 64 * 1024,
    SEND_WINDOW_S = 10,
    SEND_BYTES_PER_WINDOW = 160 * 1024,
    STALL_S = 30,
    STALL_BYTES = 16 * 1024
};

struct conn {
    int fd;
    enum conn_phase phase;
    bool suspended; /* in the HTTP library */
    double since;   /* of the phase, or of the window while sending */
    int64_t moved;  /* bytes in this phase */
    int64_t window; /* bytes that had left this machine when the window began */
    bool cut;       /* already shut down */
    struct conn *next, *previous;
};

void conn_table_init(struct conn_table *table)
{
    pthread_mutex_init(&table->lock, NULL);
    table->first = NULL;
    table->sealed = false;
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
    conn->since = clock_monotonic();
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

static void enter_locked(struct conn *conn, enum conn_phase phase)
{
    conn->phase = phase;
    conn->suspended &= phase != CONN_IDLE;
    conn->since = clock_monotonic();
    conn->moved = 0;
    conn->window = 0;
}

void conn_table_enter(struct conn_table *table, struct conn *conn, enum conn_phase phase)
{
    pthread_mutex_lock(&table->lock);
    enter_locked(conn, phase);
    pthread_mutex_unlock(&table->lock);
}

bool conn_table_suspend(struct conn_table *table, struct conn *conn)
{
    bool sealed;

    pthread_mutex_lock(&table->lock);
    sealed = table->sealed;
    conn->suspended |= !sealed;
    pthread_mutex_unlock(&table->lock);
    return !sealed;
}

void conn_table_resume(struct conn_table *table, struct conn *conn)
{
    pthread_mutex_lock(&table->lock);
    conn->suspended = false;
    pthread_mutex_unlock(&table->lock);
}

bool conn_table_seal(struct conn_table *table)
{
    bool suspended = false, sealed;

    pthread_mutex_lock(&table->lock);
    for (const struct conn *conn = table->first; conn; conn = conn->next)
        suspended |= conn->suspended;
    table->sealed |= !suspended;
    sealed = table->sealed;
    pthread_mutex_unlock(&table->lock);
    return sealed;
}

void conn_table_moved(struct conn_table *table, struct conn *conn, size_t bytes)
{
    pthread_mutex_lock(&table->lock);
    conn->moved += (int64_t)bytes;
    pthread_mutex_unlock(&table->lock);
}

static bool sends_too_slowly(struct conn *conn, double now)
{
    int unsent = 0;
    int64_t left;

    if (now - conn->since < SEND_WINDOW_S)
        return false;
    (void)ioctl(conn->fd, SIOCOUTQ, &unsent); /* what the kernel still holds has not been read */
    left = conn->moved - unsent;
    if (left - conn->window < SEND_BYTES_PER_WINDOW)
        return true;
    conn->window = left;
    conn->since = now;
    return false;
}

/* What left this machine does not count: the client's own kernel takes some of it. */
static bool stalls(struct conn *conn, double now)
{
    int unsent = 0;
    int64_t left;

    (void)ioctl(conn->fd, SIOCOUTQ, &unsent);
    left = conn->moved - unsent;
    if (unsent > 0 && left - conn->window < STALL_BYTES)
        return now - conn->since > STALL_S;
    conn->window = left;
    conn->since = now;
    return false;
}

static bool is_late(struct conn *conn, double now)
{
    const double age = now - conn->since;

    switch (conn->phase) {
    case CONN_HEAD:
        return age > HEAD_S;
    case CONN_IDLE:
        return age > IDLE_S;
    case CONN_BODY:
        return age > BODY_S + (double)conn->moved / BODY_BYTES_PER_S;
    case CONN_SEND:
        return sends_too_slowly(conn, now);
    case CONN_STREAM:
        return stalls(conn, now);
    case CONN_WAIT:
        break;
    }
    return false;
}

int conn_table_sweep(struct conn_table *table, double now)
{
    int count = 0;

    pthread_mutex_lock(&table->lock);
    for (struct conn *conn = table->first; conn; conn = conn->next) {
        if (conn->cut || !is_late(conn, now))
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
        count += conn->phase != CONN_HEAD && conn->phase != CONN_IDLE;
    pthread_mutex_unlock(&table->lock);
    return count;
}

size_t conn_table_count(struct conn_table *table, size_t *waiting)
{
    size_t count = 0;

    *waiting = 0;
    pthread_mutex_lock(&table->lock);
    for (const struct conn *conn = table->first; conn; conn = conn->next) {
        count++;
        *waiting += conn->phase == CONN_WAIT || conn->phase == CONN_STREAM;
    }
    pthread_mutex_unlock(&table->lock);
    return count;
}
