/*
 * wait_list.h - requests whose handler or stream waits, by ticket.
 *
 * A request is put in before its handler runs, so that a job that ends before the handler has returned is not
 * missed.  Who turns an entry to "woken" while it is parked, or parks one that is already woken, is the one
 * who resumes the connection: it happens exactly once for each time it is parked, and until then the
 * connection cannot go away.
 */
#ifndef WAIT_LIST_H
#define WAIT_LIST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http_message.h"

/* Part of the request's own memory; the fields below are guarded by the list's lock. */
struct wait_entry {
    uint64_t ticket;
    void *connection;
    const char *note; /* does not change while parked */
    double until;     /* clock_monotonic; INFINITY: no limit */
    bool tell;        /* whether somebody wants to know that the client has gone */
    bool parked, woken, gone;
    struct wait_entry *next, *previous; /* of the same bucket */
};

enum { WAIT_LIST_BUCKETS = 4096 };

struct wait_list {
    pthread_mutex_t lock;
    struct wait_entry *buckets[WAIT_LIST_BUCKETS]; /* by ticket; guarded by lock */
    uint64_t last_ticket;                          /* guarded by lock */
};

void wait_list_init(struct wait_list *list);
void wait_list_fini(struct wait_list *list);

/* Puts entry in and returns its new ticket. */
uint64_t wait_list_add(struct wait_list *list, struct wait_entry *entry, void *connection);
void wait_list_remove(struct wait_list *list, struct wait_entry *entry);

/* The handler or the stream is about to be asked (again): what wakes it from here on is news. */
void wait_list_listen(struct wait_list *list, struct wait_entry *entry);

/* The connection is suspended from now on, until `until` at the latest (0: no limit).  True: it has been
 * woken already, and the caller resumes it. */
bool wait_list_park(struct wait_list *list, struct wait_entry *entry, double until, bool tell);

/* Something has happened for this ticket.  Returns the connection that the caller must resume, or NULL:
 * unknown, woken before, or not parked yet. */
void *wait_list_wake(struct wait_list *list, uint64_t ticket);

/* Wakes parked entries whose time has come at `now` (INFINITY: all), at most `room` of them, and writes the
 * connections, which the caller must resume; returns how many. */
size_t wait_list_wake_due(struct wait_list *list, double now, void **connections, size_t room);

/* The client of this ticket has hung up.  True the first time while it is parked; then note holds the
 * request's note and *tell whether that is to be told. */
bool wait_list_mark_gone(struct wait_list *list, uint64_t ticket, char note[HTTP_NOTE_SIZE], bool *tell);

bool wait_list_is_gone(struct wait_list *list, const struct wait_entry *entry);

#endif
