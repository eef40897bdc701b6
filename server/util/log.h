/*
 * log.h - one line an event on standard error, as text (key=value) or as JSON.
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

/* Writes time, level, event ("request", "job", "ready") and fields; control bytes and bytes above 0x7e stand
 * escaped, long values are cut. */
void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               int count);

/* An event "note" with one field "message", from a printf format. */
void log_note(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
