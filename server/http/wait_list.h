/*
 * wait_list.h - requests whose handler waits, by ticket.
 *
 * A request is put in before its handler runs, so that a job that ends before the handler has returned is not
 * missed.  Who turns an entry to "woken" while it is parked, or parks one that is already woken, is the one
 * who resumes the connection: it happens exactly once, and until then the connection cannot go away.
 */
#ifndef WAIT_LIST_H
#define WAIT_LIST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/http_message.h"

/* Part of the request's own memory; the fields below are guarded by the list's lock. */
struct wait_entry {
    uint64_t ticket;
    void *connection;
    const char *note; /* does not change while parked */
    bool parked, woken, gone;
    struct wait_entry *next, *previous;
};

struct wait_list {
    pthread_mutex_t lock;
    struct wait_entry *first; /* guarded by lock */
    uint64_t last_ticket;     /* guarded by lock */
};

void wait_list_init(struct wait_list *list);
void wait_list_fini(struct wait_list *list);

/* Puts entry in and returns its new ticket. */
uint64_t wait_list_add(struct wait_list *list, struct wait_entry *entry, void *connection);
void wait_list_remove(struct wait_list *list, struct wait_entry *entry);

/* The connection is suspended from now on.  True: it has been woken already, and the caller resumes it. */
bool wait_list_park(struct wait_list *list, struct wait_entry *entry);

/* The job of this ticket has ended.  Returns the connection that the caller must resume, or NULL: unknown,
 * woken before, or not parked yet. */
void *wait_list_wake(struct wait_list *list, uint64_t ticket);

/* The client of this ticket has hung up.  True the first time; then note holds the request's note. */
bool wait_list_mark_gone(struct wait_list *list, uint64_t ticket, char note[HTTP_NOTE_SIZE]);

/* A connection that is parked and not woken, to be resumed by the caller; NULL when there is none. */
void *wait_list_wake_any(struct wait_list *list);

bool wait_list_is_gone(struct wait_list *list, const struct wait_entry *entry);

#endif
