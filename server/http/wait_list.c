#include "http/wait_list.h"

#include <string.h>

void wait_list_init(struct wait_list *list)
{
    *list = (struct wait_list){0};
    pthread_mutex_init(&list->lock, NULL);
}

void wait_list_fini(struct wait_list *list)
{
    pthread_mutex_destroy(&list->lock);
}

uint64_t wait_list_add(struct wait_list *list, struct wait_entry *entry, void *connection)
{
    const char *note = entry->note;

    pthread_mutex_lock(&list->lock);
    *entry = (struct wait_entry){.ticket = ++list->last_ticket, .connection = connection, .note = note};
    entry->next = list->first;
    if (entry->next)
        entry->next->previous = entry;
    list->first = entry;
    pthread_mutex_unlock(&list->lock);
    return entry->ticket;
}

void wait_list_remove(struct wait_list *list, struct wait_entry *entry)
{
    pthread_mutex_lock(&list->lock);
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        list->first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    pthread_mutex_unlock(&list->lock);
}

bool wait_list_park(struct wait_list *list, struct wait_entry *entry)
{
    bool woken;

    pthread_mutex_lock(&list->lock);
    entry->parked = true;
    woken = entry->woken;
    pthread_mutex_unlock(&list->lock);
    return woken;
}

static struct wait_entry *find(struct wait_list *list, uint64_t ticket)
{
    for (struct wait_entry *entry = list->first; entry; entry = entry->next)
        if (entry->ticket == ticket)
            return entry;
    return NULL;
}

void *wait_list_wake(struct wait_list *list, uint64_t ticket)
{
    struct wait_entry *entry;
    void *connection = NULL;

    pthread_mutex_lock(&list->lock);
    entry = find(list, ticket);
    if (entry && !entry->woken) {
        entry->woken = true;
        connection = entry->parked ? entry->connection : NULL;
    }
    pthread_mutex_unlock(&list->lock);
    return connection;
}

bool wait_list_mark_gone(struct wait_list *list, uint64_t ticket, char note[HTTP_NOTE_SIZE])
{
    struct wait_entry *entry;
    bool first = false;

    pthread_mutex_lock(&list->lock);
    entry = find(list, ticket);
    if (entry && entry->parked && !entry->woken && !entry->gone) {
        entry->gone = true;
        first = true;
        memcpy(note, entry->note, HTTP_NOTE_SIZE);
    }
    pthread_mutex_unlock(&list->lock);
    return first;
}

void *wait_list_wake_any(struct wait_list *list)
{
    void *connection = NULL;

    pthread_mutex_lock(&list->lock);
    for (struct wait_entry *entry = list->first; entry && !connection; entry = entry->next) {
        if (!entry->parked || entry->woken)
            continue;
        entry->woken = true;
        connection = entry->connection;
    }
    pthread_mutex_unlock(&list->lock);
    return connection;
}

bool wait_list_is_gone(struct wait_list *list, const struct wait_entry *entry)
{
    bool gone;

    pthread_mutex_lock(&list->lock);
    gone = entry->gone;
    pthread_mutex_unlock(&list->lock);
    return gone;
}
