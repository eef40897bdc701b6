#include "util/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX_BYTES = 512, MESSAGE_MAX_BYTES = 600 };

struct line {
    char text[LINE_MAX_BYTES]; /* at most PIPE_BUF, so that lines of several threads do not mix */
    size_t used;
};

static void put_byte(struct line *line, char byte)
{
    if (line->used < sizeof line->text - 1) /* the last byte is kept for the newline */
        line->text[line->used++] = byte;
}

static void put(struct line *line, const char *text)
{
    while (*text)
        put_byte(line, *text++);
}

static void put_escaped(struct line *line, const char *value)
{
    for (size_t i = 0; value[i] && i < VALUE_MAX_BYTES; i++) {
        const unsigned char byte = (unsigned char)value[i];

        if (byte < 0x20 || byte > 0x7e) {
            char escape[8];

            snprintf(escape, sizeof escape, "\\u%04x", byte);
            put(line, escape);
            continue;
        }
        if (byte == '"' || byte == '\\')
            put_byte(line, '\\');
        put_byte(line, (char)byte);
    }
}

static bool is_plain(const char *value)
{
    for (; *value; value++)
        if (*value <= ' ' || *value > '~' || *value == '"' || *value == '\\' || *value == '=')
            return false;
    return true;
}

static void put_field(struct line *line, bool json, const char *name, const char *value, bool quoted)
{
    if (json)
        put(line, line->used > 1 ? ",\"" : "\"");
    else if (line->used > 0)
        put_byte(line, ' ');
    put(line, name);
    put(line, json ? "\":" : "=");
    if (json ? quoted : (quoted && (!*value || !is_plain(value)))) {
        put_byte(line, '"');
        put_escaped(line, value);
        put_byte(line, '"');
    } else {
        put_escaped(line, value);
    }
}

static bool can_write(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0;
}

static void write_line(struct log *log, struct line *line)
{
    line->text[line->used++] = '\n';
    if (!can_write(log->fd) || write(log->fd, line->text, line->used) != (ssize_t)line->used)
        atomic_fetch_add(&log->dropped, 1);
}

void log_init(struct log *log, int fd, bool json)
{
    log->fd = fd;
    log->json = json;
    atomic_init(&log->dropped, 0);
}

void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               int count)
{
    static const char *const levels[] = {"info", "warn", "error"};
    char time[CLOCK_TEXT_SIZE], dropped_text[24];
    struct line line;
    const unsigned long dropped = atomic_exchange(&log->dropped, 0);

    clock_format(time, clock_unix_ms());
    line.used = 0;
    if (log->json)
        put_byte(&line, '{');
    put_field(&line, log->json, "time", time, true);
    put_field(&line, log->json, "level", levels[level], true);
    put_field(&line, log->json, "event", event, true);
    for (int i = 0; i < count; i++)
        if (fields[i].value)
            put_field(&line, log->json, fields[i].name, fields[i].value, fields[i].quoted);
    if (dropped > 0) {
        snprintf(dropped_text, sizeof dropped_text, "%lu", dropped);
        put_field(&line, log->json, "dropped_lines", dropped_text, false);
    }
    if (log->json)
        put_byte(&line, '}');
    write_line(log, &line);
    if (dropped > 0 && atomic_load(&log->dropped) > 0)
        atomic_fetch_add(&log->dropped, dropped);
}

void log_note(struct log *log, enum log_level level, const char *format, ...)
{
    char message[MESSAGE_MAX_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log_event(log, level, "note", &(struct log_field){"message", message, true}, 1);
}
