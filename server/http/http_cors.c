#include "http/http_cors.h"

#include <string.h>
#include <strings.h>

const char http_cors_exposed[] =
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, Location, Preference-Applied, Retry-After, "
    "X-Job-Id, X-Latentd-Warning, X-Request-Id, X-Seed";

/* The asterisk covers what clients add on their own; Authorization is not part of it, and old browsers take
 * it by the letter. */
const char http_cors_accepted[] =
    "*, Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, "
    "Prefer, Range, X-Request-Id";

bool http_cors_is_origin(const char *text)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    const size_t scheme = strspn(text, lower);
    const char *authority = text + scheme + 3;

    if (strcmp(text, "*") == 0)
        return true;
    return scheme > 0 && strncmp(text + scheme, "://", 3) == 0 && *authority &&
           authority[strspn(authority, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]")] == '\0';
}

static const char *origin_of(const struct http_request *request)
{
    return http_request_header(request, "Origin");
}

const char *http_cors_allows(const struct http_cors *cors, const struct http_request *request)
{
    const char *origin = origin_of(request);

    for (size_t i = 0; origin && i < cors->count; i++)
        if (strcmp(cors->origins[i], "*") == 0 || strcmp(cors->origins[i], origin) == 0)
            return cors->origins[i];
    return NULL;
}

bool http_cors_varies(const struct http_cors *cors)
{
    for (size_t i = 0; i < cors->count; i++)
        if (strcmp(cors->origins[i], "*") != 0)
            return true;
    return false;
}

bool http_cors_is_preflight(const struct http_request *request)
{
    return strcmp(request->method, "OPTIONS") == 0 && origin_of(request) &&
           http_request_header(request, "Access-Control-Request-Method");
}

/* "scheme://host" is this server when the Host header is that host; the port is part of both. */
static bool is_own(const struct http_request *request, const char *origin)
{
    const char *host = http_request_header(request, "Host");
    const char *site = http_request_header(request, "Sec-Fetch-Site"); /* no page can set it */
    const char *authority = strstr(origin, "://");

    if (site && (strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0))
        return true;
    return host && authority && strcasecmp(authority + 3, host) == 0;
}

bool http_cors_check(const struct http_cors *cors, const struct http_request *request,
                     struct http_refusal *refusal)
{
    static const char *const harmless[] = {"GET", "HEAD", "OPTIONS"};
    const char *origin = origin_of(request);

    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (strcmp(request->method, harmless[i]) == 0)
            return true;
    if (!origin || is_own(request, origin) || http_cors_allows(cors, request) ||
        http_request_type_is(request, "application/json"))
        return true;
    return http_refuse(refusal, 403, "origin_not_allowed",
                       "a page of another origin sends this; allow its origin with --cors-origin");
}
