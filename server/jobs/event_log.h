/*
 * event_log.h - the events of one job, as many as are worth keeping.
 *
 * At most EVENT_LOG_ROOM are kept.  Of positions and previews there is only ever the newest; when there is no
 * more room, the oldest progress goes.  What changes a job's state, and its pictures, stay.
 */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/job_event.h"

enum { EVENT_LOG_ROOM = 384 }; /* more than the pictures a job can have, with its other lasting events */

/* Zeroed is empty.  Not locked: whoever owns it sees to that. */
struct event_log {
    struct job_event *items; /* [count], rising numbers */
    size_t count, room;
    uint64_t last; /* the number given last */
};

/* Takes event's picture, and gives it its number and time.  Without memory for it the event is lost, which
 * shows as a number that is missing. */
void event_log_add(struct event_log *log, struct job_event *event);

/* Copies the oldest `room` events above `after`, with references; how many. */
size_t event_log_copy(const struct event_log *log, uint64_t after, struct job_event *out, size_t room);

/* The newest event that has a preview; NULL: there is none. */
const struct job_event *event_log_preview(const struct event_log *log);

/* Drops what is of use only while a job goes on: positions, progress and previews. */
void event_log_trim(struct event_log *log);
/* Drops the pictures, not their events. */
void event_log_drop_pictures(struct event_log *log);

void event_log_fini(struct event_log *log);

#endif
