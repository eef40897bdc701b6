#include "http/http_prefer.h"

#include <string.h>
#include <strings.h>

/* The length of text up to one of `ends` that stands outside of quotes. */
static size_t span(const char *text, const char *ends)
{
    bool quoted = false;
    size_t length = 0;

    for (; text[length]; length++) {
        if (quoted && text[length] == '\\' && text[length + 1])
            length++;
        else if (text[length] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(ends, text[length]))
            break;
    }
    return length;
}

static void copy_value(const char *text, size_t length, char *value, size_t size)
{
    size_t used = 0;

    while (length > 0 && strchr(" \t", text[length - 1]))
        length--;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    for (size_t i = 0; i < length && used + 1 < size; i++) {
        i += text[i] == '\\' && i + 1 < length;
        value[used++] = text[i];
    }
    value[used] = '\0';
}

/* Whether one preference, without its parameters, is `name`; copies its value. */
static bool is_preference(const char *text, size_t length, const char *name, char *value, size_t size)
{
    const size_t name_length = strcspn(text, "= \t;,");
    const char *at = text + name_length;

    if (name_length > length || name_length != strlen(name) || strncasecmp(text, name, name_length) != 0)
        return false;
    at += strspn(at, " \t");
    if (*at != '=') {
        copy_value("", 0, value, size);
        return true;
    }
    at++;
    at += strspn(at, " \t");
    copy_value(at, at < text + length ? (size_t)(text + length - at) : 0, value, size);
    return true;
}

bool http_request_prefer(const struct http_request *request, const char *name, char *value, size_t size)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const char *at = request->headers[i].value;

        if (strcasecmp(request->headers[i].name, "Prefer") != 0)
            continue;
        while (*(at += strspn(at, " \t,"))) {
            if (is_preference(at, span(at, ",;"), name, value, size))
                return true;
            at += span(at, ",");
        }
    }
    return false;
}
