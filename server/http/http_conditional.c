#include "http/http_conditional.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum range_kind { RANGE_ALL, RANGE_PART, RANGE_NONE };

/* Whether one of the tags in list is etag; a weak one is as good, for bytes that never change (RFC
 * 9110 8.8.3.2). */
static bool names_tag(const char *list, const char *etag)
{
    const size_t length = strlen(etag);

    while (*list) {
        const char *tag = list + strspn(list, " \t,");

        if (*tag == '*')
            return true;
        if (strncmp(tag, "W/", 2) == 0)
            tag += 2;
        if (*tag != '"') { /* not a tag: the rest is not one either */
            return false;
        }
        if (strncmp(tag + 1, etag, length) == 0 && tag[1 + length] == '"')
            return true;
        tag += 1 + strcspn(tag + 1, "\"");
        list = tag + (*tag == '"');
    }
    return false;
}

/* Whether the part that Range asks for is one of these bytes; a date never is. */
static bool range_holds(const struct http_request *request, const char *etag)
{
    const char *condition = http_request_header(request, "If-Range");

    return !condition || (etag && condition[0] == '"' && names_tag(condition, etag));
}

/* Decimal digits alone; false when there are none or they are too many. */
static bool take_number(const char **at, size_t *number)
{
    const size_t digits = strspn(*at, "0123456789");

    if (digits == 0 || digits > 15)
        return false;
    *number = strtoull(*at, NULL, 10);
    *at += digits;
    return true;
}

/* bytes=FIRST-LAST, FIRST- or -SUFFIX of size bytes, which become [*first, *last]. */
static enum range_kind parse_range(const char *range, size_t size, size_t *first, size_t *last)
{
    const bool bytes = strncasecmp(range, "bytes=", 6) == 0;
    const char *at = range + 6;
    size_t suffix;

    if (!bytes)
        return RANGE_ALL;
    *last = size - 1; /* of no bytes, nothing below can be satisfied */
    if (*at == '-') {
        at++;
        if (!take_number(&at, &suffix) || *at)
            return RANGE_ALL;
        *first = suffix < size ? size - suffix : 0;
        return suffix > 0 && size > 0 ? RANGE_PART : RANGE_NONE;
    }
    if (!take_number(&at, first) || *at++ != '-')
        return RANGE_ALL;
    if (*at && (!take_number(&at, last) || *at || *last < *first))
        return RANGE_ALL;
    if (*first >= size)
        return RANGE_NONE;
    *last = *last < size ? *last : size - 1;
    return RANGE_PART;
}

static struct blob *cut_out(const struct blob *whole, size_t first, size_t last)
{
    const size_t size = last - first + 1;
    char *copy = malloc(size);
    struct blob *part;

    if (!copy)
        return NULL;
    memcpy(copy, (const char *)blob_data(whole) + first, size);
    part = blob_take(copy, size);
    if (!part)
        free(copy);
    return part;
}

static void reply_part(const struct http_request *request, struct http_reply *reply, const char *content_type,
                       struct blob *body, const char *etag)
{
    const char *range = http_request_header(request, "Range");
    const size_t size = blob_size(body);
    enum range_kind kind = RANGE_ALL;
    size_t first = 0, last = 0;

    if (range && strcmp(request->method, "GET") == 0 && range_holds(request, etag))
        kind = parse_range(range, size, &first, &last);
    if (kind == RANGE_ALL) {
        http_reply_body(reply, 200, content_type, blob_ref(body));
    } else if (kind == RANGE_PART) {
        http_reply_header(reply, "Content-Range", "bytes %zu-%zu/%zu", first, last, size);
        http_reply_body(reply, 206, content_type, cut_out(body, first, last));
    } else {
        http_reply_header(reply, "Content-Range", "bytes */%zu", size);
        reply->status = 416;
    }
}

bool http_request_knows(const struct http_request *request, const char *etag)
{
    const char *known = http_request_header(request, "If-None-Match");

    return known && names_tag(known, etag);
}

void http_reply_bytes(const struct http_request *request, struct http_reply *reply, const char *content_type,
                      struct blob *body, const char *etag)
{
    if (!body) {
        http_reply_body(reply, 503, NULL, NULL);
        return;
    }
    if (etag)
        http_reply_header(reply, "ETag", "\"%s\"", etag);
    http_reply_header(reply, "Accept-Ranges", "bytes");
    if (etag && http_request_knows(request, etag))
        reply->status = 304;
    else
        reply_part(request, reply, content_type, body, etag);
    blob_unref(body);
}
