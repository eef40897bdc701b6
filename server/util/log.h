/*
 * log.h - one line an event on standard error, as text (key=value) or as JSON.  Text that goes to systemd's
 * journal has the level before it as "<6>", which the journal takes off (sd-daemon(3)).
 *
 * A line is written with one write(2) and never blocks: when standard error is a pipe that nobody empties,
 * lines are dropped, and the next one that goes through says how many.  Safe on any thread.
 */
#ifndef LOG_H
#define LOG_H

#include <stdatomic.h>
#include <stdbool.h>

struct log {
    int fd;
    bool json;
    bool journal; /* fd is the journal's */
    bool prompts; /* what pictures were asked for may be written; false at first */
    atomic_ulong dropped;
};

enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR };

/* A value is text; quoted says whether JSON shows it as a string (false: a number or a word of JSON). */
struct log_field {
    const char *name;
    const char *value; /* NULL: the field is left out */
    bool quoted;
};

void log_init(struct log *log, int fd, bool json);

/* Writes time, level, event ("request", "job", "ready") and fields.  Control bytes and characters outside of
 * ASCII stand escaped as in JSON, bytes that are not UTF-8 as if they were Latin-1; long values are cut. */
void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               int count);

/* An event "note" with one field "message", from a printf format. */
void log_note(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
