#include "jobs/event_log.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { FIRST_ROOM = 8 };

void job_event_fini(struct job_event *event)
{
    blob_unref(event->picture);
    *event = (struct job_event){0};
}

static void drop(struct event_log *log, size_t index)
{
    job_event_fini(&log->items[index]);
    log->count--;
    memmove(&log->items[index], &log->items[index + 1], (log->count - index) * sizeof *log->items);
}

/* Drops the oldest event of a type; false: there is none. */
static bool drop_oldest(struct event_log *log, enum job_event_type type)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log->items[i].type != type)
            continue;
        drop(log, i);
        return true;
    }
    return false;
}

/* False: there is no place for another event. */
static bool make_room(struct event_log *log)
{
    const size_t wanted = log->room ? 2 * log->room : FIRST_ROOM;
    const size_t room = wanted < EVENT_LOG_ROOM ? wanted : EVENT_LOG_ROOM;
    struct job_event *items;

    if (log->count < log->room)
        return true;
    items = room > log->room ? realloc(log->items, room * sizeof *items) : NULL;
    if (items) {
        log->items = items;
        log->room = room;
        return true;
    }
    return drop_oldest(log, JOB_EVENT_PROGRESS);
}

void event_log_add(struct event_log *log, struct job_event *event)
{
    event->number = ++log->last;
    event->at_ms = clock_unix_ms();
    if (event->type == JOB_EVENT_POSITION || event->type == JOB_EVENT_PREVIEW)
        drop_oldest(log, event->type);
    if (make_room(log))
        log->items[log->count++] = *event;
    else
        blob_unref(event->picture);
    event->picture = NULL;
}

size_t event_log_copy(const struct event_log *log, uint64_t after, struct job_event *out, size_t room)
{
    size_t first = log->count, copied = 0;

    while (first > 0 && log->items[first - 1].number > after)
        first--;
    for (; first < log->count && copied < room; first++, copied++) {
        out[copied] = log->items[first];
        if (out[copied].picture)
            blob_ref(out[copied].picture);
    }
    return copied;
}

const struct job_event *event_log_preview(const struct event_log *log)
{
    for (size_t i = log->count; i-- > 0;)
        if (log->items[i].type == JOB_EVENT_PREVIEW)
            return &log->items[i];
    return NULL;
}

static bool lasts(const struct job_event *event)
{
    return event->type != JOB_EVENT_POSITION && event->type != JOB_EVENT_PROGRESS &&
           event->type != JOB_EVENT_PREVIEW;
}

void event_log_trim(struct event_log *log)
{
    struct job_event *items;
    size_t kept = 0;

    for (size_t i = 0; i < log->count; i++) {
        if (lasts(&log->items[i]))
            log->items[kept++] = log->items[i];
        else
            job_event_fini(&log->items[i]);
    }
    log->count = kept;
    items = kept > 0 ? realloc(log->items, kept * sizeof *items) : NULL;
    if (items) {
        log->items = items;
        log->room = kept;
    }
}

void event_log_drop_pictures(struct event_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        blob_unref(log->items[i].picture);
        log->items[i].picture = NULL;
    }
}

void event_log_fini(struct event_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        job_event_fini(&log->items[i]);
    free(log->items);
    *log = (struct event_log){0};
}
