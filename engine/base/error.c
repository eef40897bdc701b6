#include <latentd/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum ltd_status ltd_fail(struct ltd_error *err, enum ltd_status status, const char *format, ...)
{
    va_list args;
    int length;

    if (!err)
        return status;
    err->status = status;
    va_start(args, format);
    length = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    for (char *c = err->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' '; /* names from files may hold anything, and a message is one line */
    if (length >= (int)sizeof err->message) {
        /* Cut before the character that did not fit whole. */
        size_t end = sizeof err->message - 1;

        while (end > 0 && ((unsigned char)err->message[end - 1] & 0xC0) == 0x80)
            end--;
        if (end > 0 && (unsigned char)err->message[end - 1] >= 0xC0)
            end--;
        err->message[end] = '\0';
    }
    return status;
}

const char *ltd_status_name(enum ltd_status status)
{
    switch (status) {
    case LTD_OK:
        return "ok";
#define STATUS(id, name, meaning) \
    case id:                      \
        return name;
#include <latentd/status.def>
#undef STATUS
    }
    return "unknown";
}
