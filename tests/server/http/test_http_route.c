#include "http/http_route.h"

#include "check.h"

static enum http_next nothing(void *app, struct http_request *request, struct http_reply *reply)
{
    (void)app, (void)request, (void)reply;
    return HTTP_REPLY;
}

static const struct http_route routes[] = {
    {FAMILY_NATIVE, "GET", "/", nothing, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_NATIVE, "GET", "/jobs/{id}", nothing, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_NATIVE, "DELETE", "/jobs/{id}", nothing, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_NATIVE, "GET", "/jobs/{id}/images/{n}", nothing, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_OPENAI, "POST", "/jobs", nothing, NULL, HTTP_JSON_BODY, NULL},
};

static struct http_request request;
static struct http_refusal refusal;

/* The index of the route that is found, or minus the status of the refusal. */
static int found(const char *method, const char *path)
{
    const struct http_route *route;

    request = (struct http_request){.method = method, .path = path};
    refusal = (struct http_refusal){0};
    route = http_route_find(routes, COUNT(routes), &request, &refusal);
    return route ? (int)(route - routes) : -refusal.status;
}

TEST(a_path_finds_its_route_and_parameters)
{
    char text[8];

    CHECK_INT(found("GET", "/"), 0);
    CHECK_INT(found("GET", "/jobs/abc/images/12"), 3);
    CHECK(http_request_param(&request, 0, text, sizeof text));
    CHECK_STR(text, "abc");
    CHECK(http_request_param(&request, 1, text, sizeof text));
    CHECK_STR(text, "12");
    CHECK_INT(found("GET", "/jobs/12345678"), 1);
    CHECK(!http_request_param(&request, 0, text, sizeof text));
    CHECK(!http_request_param(&request, 1, text, sizeof text));
    CHECK_INT(found("HEAD", "/jobs/x"), 1);
}

TEST(what_is_nowhere_is_404)
{
    static const char *const paths[] = {
        "/x", "/jobs/", "/jobs//images/1", "/jobs/a/images", "/jobs/a/images/", "//", "/jobs/a/b", ""};

    for (size_t i = 0; i < COUNT(paths); i++)
        CHECK_INT(found("GET", paths[i]), -404);
}

TEST(another_method_is_405_with_all_that_there_are)
{
    CHECK_INT(found("POST", "/jobs/a"), -405);
    CHECK_STR(refusal.allow, "GET, HEAD, DELETE, OPTIONS");
    CHECK_INT(found("GET", "/jobs"), -405);
    CHECK_STR(refusal.allow, "POST, OPTIONS");
    CHECK_INT(found("get", "/"), -405);
}

TEST(a_path_tells_the_family_even_of_what_is_refused)
{
    CHECK_INT(found("POST", "/jobs"), 4);
    CHECK_INT(request.family, FAMILY_OPENAI);
    CHECK_INT(found("GET", "/jobs"), -405);
    CHECK_INT(request.family, FAMILY_OPENAI);
    CHECK_INT(found("GET", "/"), 0);
    CHECK_INT(request.family, FAMILY_NATIVE);
}
