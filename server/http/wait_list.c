#include "http/wait_list.h"

#include <math.h>
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

static struct wait_entry **bucket_of(struct wait_list *list, uint64_t ticket)
{
    return &list->buckets[ticket % WAIT_LIST_BUCKETS];
}

uint64_t wait_list_add(struct wait_list *list, struct wait_entry *entry, void *connection)
{
    const char *note = entry->note;
    struct wait_entry **bucket;

    pthread_mutex_lock(&list->lock);
    *entry = (struct wait_entry){.ticket = ++list->last_ticket, .connection = connection, .note = note};
    bucket = bucket_of(list, entry->ticket);
    entry->next = *bucket;
    if (entry->next)
        entry->next->previous = entry;
    *bucket = entry;
    pthread_mutex_unlock(&list->lock);
    return entry->ticket;
}

void wait_list_remove(struct wait_list *list, struct wait_entry *entry)
{
    pthread_mutex_lock(&list->lock);
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        *bucket_of(list, entry->ticket) = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    pthread_mutex_unlock(&list->lock);
}

void wait_list_listen(struct wait_list *list, struct wait_entry *entry)
{
    pthread_mutex_lock(&list->lock);
    entry->parked = entry->woken = false;
    pthread_mutex_unlock(&list->lock);
}

bool wait_list_park(struct wait_list *list, struct wait_entry *entry, double until, bool tell)
{
    bool woken;

    pthread_mutex_lock(&list->lock);
    entry->parked = true;
    entry->until = until > 0 ? until : INFINITY;
    entry->tell = tell;
    woken = entry->woken;
    pthread_mutex_unlock(&list->lock);
    return woken;
}

static struct wait_entry *find(struct wait_list *list, uint64_t ticket)
{
    for (struct wait_entry *entry = *bucket_of(list, ticket); entry; entry = entry->next)
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

size_t wait_list_wake_due(struct wait_list *list, double now, void **connections, size_t room)
{
    size_t count = 0;

    pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < WAIT_LIST_BUCKETS; i++)
        for (struct wait_entry *entry = list->buckets[i]; entry && count < room; entry = entry->next) {
            if (!entry->parked || entry->woken || entry->until > now)
                continue;
            entry->woken = true;
            connections[count++] = entry->connection;
        }
    pthread_mutex_unlock(&list->lock);
    return count;
}

bool wait_list_mark_gone(struct wait_list *list, uint64_t ticket, char note[HTTP_NOTE_SIZE], bool *tell)
{
    struct wait_entry *entry;
    bool first = false;

    pthread_mutex_lock(&list->lock);
    entry = find(list, ticket);
    if (entry && entry->parked && !entry->woken && !entry->gone) {
        entry->gone = true;
        first = true;
        *tell = entry->tell;
        memcpy(note, entry->note, HTTP_NOTE_SIZE);
    }
    pthread_mutex_unlock(&list->lock);
    return first;
}

bool wait_list_is_gone(struct wait_list *list, const struct wait_entry *entry)
{
    bool gone;

    pthread_mutex_lock(&list->lock);
    gone = entry->gone;
    pthread_mutex_unlock(&list->lock);
    return gone;
}
