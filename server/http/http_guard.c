#include "http/http_guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* Headers of which a second one changes the meaning for some reader. */
static const char *const single_headers[] = {
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Type",
    "Content-Encoding",
    "Authorization",
    "Idempotency-Key",
    "Expect",
};

static bool consists_of(const char *text, const char *allowed)
{
    return *text && text[strspn(text, allowed)] == '\0';
}

static bool check_version(const struct http_request *request, struct http_refusal *refusal)
{
    if (strcmp(request->version, "HTTP/1.1") == 0 || strcmp(request->version, "HTTP/1.0") == 0)
        return true;
    return http_refuse(refusal, 505, "http_version", "this server speaks HTTP/1.1 and HTTP/1.0");
}

static bool check_names(const struct http_request *request, struct http_refusal *refusal)
{
    static const char token[] = LETTERS DIGITS "!#$%&'*+-.^_`|~"; /* RFC 9110 5.6.2 */

    if (!consists_of(request->method, token))
        return http_refuse(refusal, 400, "bad_method", "the method is not a token");
    for (size_t i = 0; i < request->header_count; i++)
        if (!consists_of(request->headers[i].name, token))
            return http_refuse(refusal, 400, "bad_header", "header %zu has a name that is not a token",
                               i + 1);
    return true;
}

static bool check_values(const struct http_request *request, struct http_refusal *refusal)
{
    for (size_t i = 0; i < request->header_count; i++)
        for (const char *byte = request->headers[i].value; *byte; byte++)
            if (((unsigned char)*byte < ' ' && *byte != '\t') || *byte == 0x7f)
                return http_refuse(refusal, 400, "bad_header",
                                   "the header %s has a control byte in its value", request->headers[i].name);
    return true;
}

static bool check_single(const struct http_request *request, struct http_refusal *refusal)
{
    for (size_t s = 0; s < sizeof single_headers / sizeof single_headers[0]; s++) {
        int count = 0;

        for (size_t i = 0; i < request->header_count; i++)
            count += strcasecmp(request->headers[i].name, single_headers[s]) == 0;
        if (count > 1)
            return http_refuse(refusal, 400, "repeated_header", "the header %s may stand only once",
                               single_headers[s]);
    }
    return true;
}

static bool check_framing(const struct http_request *request, struct http_refusal *refusal)
{
    const char *length = http_request_header(request, "Content-Length");
    const char *coding = http_request_header(request, "Transfer-Encoding");

    if (length && coding)
        return http_refuse(refusal, 400, "ambiguous_length",
                           "Content-Length and Transfer-Encoding exclude each other");
    if (length && !consists_of(length, DIGITS))
        return http_refuse(refusal, 400, "bad_length", "Content-Length is not a decimal number");
    if (coding && strcasecmp(coding, "chunked") != 0)
        return http_refuse(refusal, 501, "transfer_coding", "the only transfer coding known here is chunked");
    if (coding && strcmp(request->version, "HTTP/1.1") != 0)
        return http_refuse(refusal, 400, "transfer_coding", "HTTP/1.0 has no transfer codings");
    return true;
}

static bool host_is(const char *host, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(host, name, length) == 0;
}

static bool host_is_allowed(const struct http_guard *guard, const char *host)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "[::1]"};
    const size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

    if (host[length] != '\0' && (host[length] != ':' || host[length + 1 + strspn(host + length + 1, DIGITS)]))
        return false;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (host_is(host, length, own[i]))
            return true;
    if (guard->listen_host && host_is(host, length, guard->listen_host))
        return true;
    for (size_t i = 0; i < guard->allowed_host_count; i++)
        if (host_is(host, length, guard->allowed_hosts[i]))
            return true;
    return false;
}

static bool check_host(const struct http_guard *guard, const struct http_request *request,
                       struct http_refusal *refusal)
{
    const char *host = http_request_header(request, "Host");

    if (!host)
        return strcmp(request->version, "HTTP/1.0") == 0 ||
               http_refuse(refusal, 400, "no_host", "HTTP/1.1 demands a Host header");
    if (!consists_of(host, LETTERS DIGITS "._~-:[]") || (host[0] == '[' && !strchr(host, ']')))
        return http_refuse(refusal, 400, "bad_host", "the Host header is not a host name");
    if (!guard->check_host || host_is_allowed(guard, host))
        return true;
    refusal->close = false;
    return http_refuse(refusal, 403, "host_not_allowed",
                       "this server listens on loopback and answers to localhost; allow another name with "
                       "--allowed-host");
}

bool http_guard_check(const struct http_guard *guard, const struct http_request *request,
                      struct http_refusal *refusal)
{
    refusal->close = true;
    return check_version(request, refusal) && check_names(request, refusal) &&
           check_values(request, refusal) && check_single(request, refusal) &&
           check_framing(request, refusal) && check_host(guard, request, refusal);
}

static bool query_is_clean(const char *query)
{
    static const char allowed[] = LETTERS DIGITS "-._~!$&'()*+,;=:@/?%[]";
    static const char hex[] = "0123456789abcdefABCDEF";

    if (query[strspn(query, allowed)])
        return false;
    for (const char *percent = strchr(query, '%'); percent; percent = strchr(percent + 1, '%'))
        if (strspn(percent + 1, hex) < 2 || strncmp(percent, "%00", 3) == 0)
            return false;
    return true;
}

bool http_target_split(char *target, const char **path, const char **query)
{
    char *mark = strchr(target, '?');

    if (target[0] != '/')
        return false;
    if (mark)
        *mark = '\0';
    *path = target;
    *query = mark ? mark + 1 : target + strlen(target);
    return consists_of(target, LETTERS DIGITS "._~/-") && query_is_clean(*query);
}

bool http_guard_has_body(const struct http_request *request, unsigned long long *length)
{
    const char *declared = http_request_header(request, "Content-Length");

    *length = declared ? strtoull(declared, NULL, 10) : 0; /* too large gives ULLONG_MAX */
    return *length > 0 || http_request_header(request, "Transfer-Encoding");
}
