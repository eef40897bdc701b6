#include "util/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX_BYTES = 512, MESSAGE_MAX_BYTES = 600 };

struct line {
    char text[LINE_MAX_BYTES]; /* at most PIPE_BUF, so that lines of several threads do not mix */
    size_t used;
    size_t start; /* of the first field */
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

/* The character at text, and in *bytes how many it takes; a byte that begins none stands for itself. */
static unsigned take_character(const char *text, size_t *bytes)
{
    const unsigned first = (unsigned char)text[0];
    const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    unsigned character = length == 1 ? first : first & (0x7fu >> length);

    for (*bytes = 1; *bytes < length; (*bytes)++) {
        const unsigned next = (unsigned char)text[*bytes];

        if (next >> 6 != 2) {
            *bytes = 1;
            return first;
        }
        character = character << 6 | (next & 0x3f);
    }
    return character;
}

static void put_unit(struct line *line, unsigned unit)
{
    char escape[8];

    snprintf(escape, sizeof escape, "\\u%04x", unit & 0xffff);
    put(line, escape);
}

static void put_escaped(struct line *line, const char *value)
{
    size_t bytes;

    for (size_t i = 0; value[i] && i < VALUE_MAX_BYTES; i += bytes) {
        const unsigned character = take_character(value + i, &bytes);

        if (character > 0xffff) {
            put_unit(line, 0xd7c0 + (character >> 10));
            put_unit(line, 0xdc00 | (character & 0x3ff));
        } else if (character < 0x20 || character > 0x7e) {
            put_unit(line, character);
        } else {
            if (character == '"' || character == '\\')
                put_byte(line, '\\');
            put_byte(line, (char)character);
        }
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
    else if (line->used > line->start)
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

/* Whether fd is the socket that systemd says the journal reads. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat info;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &info) == 0 &&
           info.st_dev == device && info.st_ino == inode;
}

void log_init(struct log *log, int fd, bool json)
{
    log->fd = fd;
    log->json = json;
    log->journal = !json && is_journal(fd);
    log->prompts = false;
    atomic_init(&log->dropped, 0);
}

void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               int count)
{
    static const char *const levels[] = {"info", "warn", "error"};
    static const char *const priorities[] = {"<6>", "<4>", "<3>"};
    char time[CLOCK_TEXT_SIZE], dropped_text[24];
    struct line line;
    const unsigned long dropped = atomic_exchange(&log->dropped, 0);

    clock_format(time, clock_unix_ms());
    line.used = 0;
    if (log->journal)
        put(&line, priorities[level]);
    line.start = line.used;
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
