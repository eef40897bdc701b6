#include "http/head_layout.h"

#include <string.h>

/* Takes what stood for CRLF. */
static bool take_line_end(const char **at, const char *end)
{
    if (end - *at < 2 || (*at)[0] || (*at)[1])
        return false;
    *at += 2;
    return true;
}

static bool take_header(const char **at, const char *end, const struct http_header *header)
{
    const char *value = *at + strlen(header->name) + 1;

    if (header->name != *at || value > end)
        return false;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    if (header->value[0] && header->value != value)
        return false;
    *at = value + strlen(header->value);
    return *at <= end && take_line_end(at, end);
}

bool head_layout_is_plain(const char *head, size_t size, const struct http_request *request,
                          size_t target_length)
{
    const char *const end = head + size;
    const char *at = head + strlen(request->method) + 1 + target_length + 1;

    if (request->method != head || request->version != at)
        return false;
    at += strlen(request->version);
    if (!take_line_end(&at, end))
        return false;
    for (size_t i = 0; i < request->header_count; i++)
        if (!take_header(&at, end, &request->headers[i]))
            return false;
    return take_line_end(&at, end) && at == end;
}
