#include "jobs/live.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

/* How long after the end of a job its progress can still be replayed, and an expired job be followed to its
 * last event. */
static const double settle_s = 30, follow_s = 5;

bool lives_init(struct lives *lives)
{
    *lives = (struct lives){0};
    return hash_table_init(&lives->by_id);
}

static void append(struct live_list *list, struct live *live)
{
    live->list = list;
    live->next = NULL;
    live->previous = list->last;
    if (list->last)
        list->last->next = live;
    else
        list->first = live;
    list->last = live;
}

static void take_out(struct live *live)
{
    struct live_list *list = live->list;

    if (live->previous)
        live->previous->next = live->next;
    else
        list->first = live->next;
    if (live->next)
        live->next->previous = live->previous;
    else
        list->last = live->previous;
}

struct live *live_new(void)
{
    return calloc(1, sizeof(struct live));
}

void live_free(struct live *live)
{
    if (!live)
        return;
    for (struct watcher *watcher = live->watchers, *next; watcher; watcher = next) {
        next = watcher->next;
        watcher->once = true;
        if (!watcher->due)
            free(watcher);
    }
    event_log_fini(&live->log);
    free(live);
}

static void free_list(struct live_list *list)
{
    for (struct live *live = list->first, *next; live; live = next) {
        next = live->next;
        live_free(live);
    }
}

void lives_fini(struct lives *lives)
{
    struct job_notify nobody;

    free_list(&lives->unfinished);
    free_list(&lives->ended);
    free_list(&lives->settled);
    free_list(&lives->removed);
    while (lives_take_due(lives, &nobody, 1) > 0)
        ;
    hash_table_fini(&lives->by_id);
}

static uint64_t hash_of(const struct lives *lives, const char *id)
{
    return hash_table_hash(&lives->by_id, id, strlen(id));
}

struct live *live_find(const struct lives *lives, const char *id)
{
    struct hash_node *node = hash_table_first(&lives->by_id, hash_of(lives, id));

    while (node && strcmp(HASH_OWNER(node, struct live, by_id)->id, id) != 0)
        node = hash_table_next(node);
    return HASH_OWNER(node, struct live, by_id);
}

void live_add(struct lives *lives, struct live *live, const char *id)
{
    memcpy(live->id, id, sizeof live->id);
    hash_table_add(&lives->by_id, &live->by_id, hash_of(lives, id));
    append(&lives->unfinished, live);
}

struct watcher *watcher_new(const struct job_watch *watch)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);

    if (watcher)
        watcher->watch = *watch;
    return watcher;
}

static void make_due(struct lives *lives, struct watcher *watcher)
{
    if (watcher->due)
        return;
    watcher->due = true;
    watcher->due_next = lives->due;
    lives->due = watcher;
}

void live_watch(struct lives *lives, struct live *live, struct watcher *watcher)
{
    const struct job_watch *watch = &watcher->watch;

    if (live->ended && !watch->every_event) {
        watcher->once = true;
        make_due(lives, watcher);
        return;
    }
    watcher->next = live->watchers;
    live->watchers = watcher;
    if (watch->every_event && live->log.last > watch->after)
        make_due(lives, watcher);
}

/* Frees a watcher that belongs to no job any more. */
static void forget_watcher(struct lives *lives, struct watcher *watcher)
{
    struct watcher **link = &lives->due;

    while (watcher->due && *link != watcher)
        link = &(*link)->due_next;
    if (watcher->due)
        *link = watcher->due_next;
    free(watcher);
}

bool live_unwatch(struct lives *lives, struct live *live, uint64_t number, bool *wants_job)
{
    struct watcher **link = &live->watchers;
    struct watcher *found;

    while (*link && (*link)->watch.notify.number != number)
        link = &(*link)->next;
    found = *link;
    if (!found)
        return false;
    *link = found->next;
    *wants_job = found->watch.wants_job;
    forget_watcher(lives, found);
    return true;
}

bool live_is_wanted(const struct live *live)
{
    for (const struct watcher *watcher = live->watchers; watcher; watcher = watcher->next)
        if (watcher->watch.wants_job)
            return true;
    return false;
}

bool live_is_followed(const struct live *live)
{
    for (const struct watcher *watcher = live->watchers; watcher; watcher = watcher->next)
        if (watcher->watch.every_event)
            return true;
    return false;
}

bool live_wants_previews(const struct live *live, double now)
{
    if (now < live->previewed_until)
        return true;
    for (const struct watcher *watcher = live->watchers; watcher; watcher = watcher->next)
        if (watcher->watch.every_event && watcher->watch.previews)
            return true;
    return false;
}

void live_event(struct lives *lives, struct live *live, struct job_event *event)
{
    event_log_add(&live->log, event);
    for (struct watcher *watcher = live->watchers; watcher; watcher = watcher->next)
        if (watcher->watch.every_event)
            make_due(lives, watcher);
}

/* Those who waited for the end are told, and belong to the job no more. */
static void release_waiters(struct lives *lives, struct live *live)
{
    struct watcher **link = &live->watchers;

    while (*link) {
        struct watcher *watcher = *link;

        if (watcher->watch.every_event) {
            link = &watcher->next;
            continue;
        }
        *link = watcher->next;
        watcher->once = true;
        make_due(lives, watcher);
    }
}

void live_end(struct lives *lives, struct live *live, enum job_state state)
{
    struct job_event event = {.type = JOB_EVENT_ENDED, .state = state};

    if (state != JOB_SUCCEEDED)
        event_log_drop_pictures(&live->log);
    live_event(lives, live, &event);
    release_waiters(lives, live);
    live->ended = true;
    live->ended_at = clock_monotonic();
    live->worker = NULL;
    take_out(live);
    append(&lives->ended, live);
}

void live_remove(struct lives *lives, struct live *live)
{
    take_out(live);
    append(&lives->removed, live);
}

size_t lives_take_due(struct lives *lives, struct job_notify *out, size_t room)
{
    size_t count = 0;

    while (lives->due && count < room) {
        struct watcher *watcher = lives->due;

        lives->due = watcher->due_next;
        watcher->due = false;
        out[count++] = watcher->watch.notify;
        if (watcher->once)
            free(watcher);
    }
    return count;
}

/* Drops from the front of a list what the store has no more.  One that is still followed has a moment for its
 * last event to be read. */
static void drop_expired(struct lives *lives, struct live_list *list, struct job_store *store, double now)
{
    struct live *live;

    while ((live = list->first) && (!live->watchers || now - live->ended_at >= follow_s) &&
           store->ops->find(store, live->id) != JOB_FOUND) {
        take_out(live);
        hash_table_take(&lives->by_id, &live->by_id);
        live_free(live);
    }
}

void lives_expire(struct lives *lives, struct job_store *store, double now)
{
    struct live *live;

    while ((live = lives->ended.first) && now - live->ended_at >= settle_s) {
        take_out(live);
        event_log_trim(&live->log);
        append(&lives->settled, live);
    }
    drop_expired(lives, &lives->settled, store, now);
    drop_expired(lives, &lives->ended, store, now);
    drop_expired(lives, &lives->removed, store, now);
}
