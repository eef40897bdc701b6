/*
 * conn_table.h - the open connections and their absolute deadlines.
 *
 * The HTTP library's own time limit starts anew with every byte, so that one byte a second holds a connection
 * for ever.  Here each phase of a connection has a limit that only real progress moves; who exceeds it is
 * shut down.  shutdown(2) under the table's lock is safe: a connection leaves the table before its descriptor
 * is closed.
 */
#ifndef CONN_TABLE_H
#define CONN_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum conn_phase {
    CONN_HEAD,   /* new: the head must be whole within 10 s */
    CONN_BODY,   /* 15 s, and one more for every 64 KiB received */
    CONN_WAIT,   /* the handler waits, or is at the desk: no limit here */
    CONN_SEND,   /* 160 KiB in every 10 s, or what is left */
    CONN_STREAM, /* no limit, but 30 s in which something waits to be read and less than 16 KiB is */
    CONN_IDLE    /* kept alive: the next head must be whole within 30 s */
};

struct conn;

struct conn_table {
    pthread_mutex_t lock;
    struct conn *first; /* guarded by lock */
    bool sealed;        /* guarded by lock */
};

void conn_table_init(struct conn_table *table);
void conn_table_fini(struct conn_table *table);

/* A new connection in CONN_HEAD; NULL without memory. */
struct conn *conn_table_add(struct conn_table *table, int fd);
void conn_table_remove(struct conn_table *table, struct conn *conn); /* frees it; NULL is fine */
int conn_fd(const struct conn *conn);

void conn_table_enter(struct conn_table *table, struct conn *conn, enum conn_phase phase);
/* The connection is about to be suspended; false, and nothing happens, once the table is sealed. */
bool conn_table_suspend(struct conn_table *table, struct conn *conn);
/* It is served again; so it is, too, when it enters CONN_IDLE. */
void conn_table_resume(struct conn_table *table, struct conn *conn);
/* Seals the table if no connection is suspended; whether it is sealed now. */
bool conn_table_seal(struct conn_table *table);
/* Bytes that have come (CONN_BODY) or been handed over for sending (CONN_SEND, CONN_STREAM). */
void conn_table_moved(struct conn_table *table, struct conn *conn, size_t bytes);

/* Shuts down every connection that is past its limit at `now` (clock_monotonic); returns how many. */
int conn_table_sweep(struct conn_table *table, double now);

/* All connections; *waiting is how many of them are in CONN_WAIT or CONN_STREAM. */
size_t conn_table_count(struct conn_table *table, size_t *waiting);
/* Connections in neither CONN_HEAD nor CONN_IDLE. */
size_t conn_table_busy(struct conn_table *table);

#endif
