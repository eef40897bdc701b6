#include "http/http_route.h"

#include <string.h>

static bool matches(const char *pattern, const char *path, struct http_param params[HTTP_MAX_PARAMS])
{
    size_t count = 0;

    while (*pattern) {
        if (pattern[0] == '{') {
            const size_t size = strcspn(path, "/");

            if (size == 0)
                return false;
            params[count++] = (struct http_param){path, size};
            path += size;
            pattern += strcspn(pattern, "}") + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static bool method_suits(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void add_allowed(struct http_refusal *refusal, const char *method)
{
    const size_t room = sizeof refusal->allow - 1;

    if (refusal->allow[0])
        strncat(refusal->allow, ", ", room - strlen(refusal->allow));
    strncat(refusal->allow, method, room - strlen(refusal->allow));
    if (strcmp(method, "GET") == 0)
        strncat(refusal->allow, ", HEAD", room - strlen(refusal->allow));
}

const struct http_route *http_route_find(const struct http_route *routes, size_t count,
                                         struct http_request *request, struct http_refusal *refusal)
{
    refusal->allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!matches(routes[i].pattern, request->path, request->params))
            continue;
        request->family = routes[i].family;
        if (method_suits(&routes[i], request->method))
            return &routes[i];
        add_allowed(refusal, routes[i].method);
    }
    if (refusal->allow[0])
        add_allowed(refusal, "OPTIONS");
    if (refusal->allow[0])
        http_refuse(refusal, 405, "method_not_allowed", "this path knows %s", refusal->allow);
    else
        http_refuse(refusal, 404, "not_found", "there is nothing at this path");
    return NULL;
}
