#include "http/http_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_family_name(enum http_family family)
{
    static const char *const names[] = {"native", "openai", "a1111"};

    return names[family];
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

bool http_request_type_is(const struct http_request *request, const char *type)
{
    const char *sent = http_request_header(request, "Content-Type");
    const size_t length = sent ? strcspn(sent, "; \t") : 0;

    return length > 0 && length == strlen(type) && strncasecmp(sent, type, length) == 0;
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;

    return found ? (int)(found - digits) % 16 : -1;
}

static void unescape(const char *text, size_t length, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < length && used + 1 < size; i++) {
        if (text[i] == '%' && i + 2 < length && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out[used++] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out[used++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    out[used] = '\0';
}

bool http_request_query(const struct http_request *request, const char *name, char *value, size_t size)
{
    const size_t name_length = strlen(name);

    for (const char *pair = request->query; *pair;) {
        const size_t length = strcspn(pair, "&");

        if (strcspn(pair, "=&") == name_length && strncmp(pair, name, name_length) == 0) {
            const size_t skip = length > name_length ? name_length + 1 : name_length;

            unescape(pair + skip, length - skip, value, size);
            return true;
        }
        pair += length;
        pair += *pair == '&';
    }
    return false;
}

/* Whether name is one of `names`, which have a space between two. */
static bool is_among(const char *names, const char *name, size_t length)
{
    while (*names) {
        const size_t each = strcspn(names, " ");

        if (each == length && strncmp(names, name, length) == 0)
            return true;
        names += each;
        names += strspn(names, " ");
    }
    return false;
}

const char *http_request_query_unknown(const struct http_request *request, const char *known, size_t *length)
{
    const char *pair = request->query + strspn(request->query, "&");

    while (*pair) {
        *length = strcspn(pair, "=&");
        if (!known || !is_among(known, pair, *length))
            return pair;
        pair += strcspn(pair, "&");
        pair += strspn(pair, "&");
    }
    return NULL;
}

bool http_request_param(const struct http_request *request, size_t index, char *text, size_t size)
{
    const struct http_param *param = &request->params[index];

    if (!param->text || param->size >= size)
        return false;
    memcpy(text, param->text, param->size);
    text[param->size] = '\0';
    return true;
}

/* How well one range of an Accept header suits type: 0 not at all, 1 by any type, 2 by the subtype's
 * asterisk, 3 by name. */
static int range_fit(const char *range, size_t length, const char *type)
{
    const size_t major = strcspn(type, "/") + 1;

    if (length == strlen(type) && strncasecmp(range, type, length) == 0)
        return 3;
    if (length == major + 1 && strncasecmp(range, type, major) == 0 && range[major] == '*')
        return 2;
    return length == 3 && strncmp(range, "*/*", 3) == 0;
}

static double range_quality(const char *parameters, size_t length)
{
    for (size_t i = 0; i + 2 < length; i++)
        if ((parameters[i] == 'q' || parameters[i] == 'Q') && parameters[i + 1] == '=' &&
            (i == 0 || parameters[i - 1] == ';' || parameters[i - 1] == ' '))
            return strtod(parameters + i + 2, NULL);
    return 1;
}

/* The quality that the most specific fitting range gives to type; *fit says how specific that was. */
static double accept_quality(const char *accept, const char *type, int *fit)
{
    double quality = 0;

    *fit = 0;
    while (*accept) {
        const size_t length = strcspn(accept, ",");
        const char *range = accept + strspn(accept, " \t");
        const size_t range_length = strcspn(range, ",; \t");
        const int fits = range_fit(range, range_length, type);

        if (fits > *fit) {
            *fit = fits;
            quality = range_quality(range + range_length, (size_t)(accept + length - (range + range_length)));
        }
        accept += length;
        accept += *accept == ',';
    }
    return quality;
}

int http_request_prefers(const struct http_request *request, const char *type, const char *other)
{
    const char *accept = http_request_header(request, "Accept");
    int type_fit, other_fit;
    double type_quality, other_quality;

    if (!accept || !*accept)
        return 0;
    type_quality = accept_quality(accept, type, &type_fit);
    other_quality = accept_quality(accept, other, &other_fit);
    if (type_quality <= 0 && other_quality <= 0)
        return -1;
    if (type_quality > other_quality)
        return 1;
    return type_quality == other_quality && type_fit > other_fit;
}

void http_reply_fini(struct http_reply *reply)
{
    blob_unref(reply->body);
    if (reply->stream.free)
        reply->stream.free(reply->stream.self);
    *reply = (struct http_reply){0};
}

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
    struct http_reply_header *header;
    va_list arguments;

    if (reply->header_count == HTTP_MAX_REPLY_HEADERS)
        return;
    header = &reply->headers[reply->header_count++];
    snprintf(header->name, sizeof header->name, "%s", name);
    va_start(arguments, format);
    vsnprintf(header->value, sizeof header->value, format, arguments);
    va_end(arguments);
    for (char *byte = header->value; *byte; byte++)
        if (*byte < ' ' || *byte > '~')
            *byte = '?';
}

void http_reply_body(struct http_reply *reply, int status, const char *content_type, struct blob *body)
{
    blob_unref(reply->body);
    reply->body = body;
    reply->status = body ? status : 503;
    reply->content_type = body ? content_type : NULL;
}

bool http_refuse(struct http_refusal *refusal, int status, const char *code, const char *format, ...)
{
    va_list arguments;

    refusal->status = status;
    refusal->code = code;
    va_start(arguments, format);
    vsnprintf(refusal->detail, sizeof refusal->detail, format, arguments);
    va_end(arguments);
    return false;
}
