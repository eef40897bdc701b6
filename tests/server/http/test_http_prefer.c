#include "http/http_prefer.h"

#include "check.h"

static char value[16];

/* Two headers, of which either may be NULL. */
static bool prefers(const char *first, const char *second, const char *name)
{
    struct http_request request = {.headers = {{"Host", "a"}}, .header_count = 1};

    if (first)
        request.headers[request.header_count++] = (struct http_header){"Prefer", first};
    if (second)
        request.headers[request.header_count++] = (struct http_header){"prefer", second};
    value[0] = '\0';
    return http_request_prefer(&request, name, value, sizeof value);
}

TEST(a_preference_is_found_in_any_header_and_any_place)
{
    CHECK(prefers("respond-async", NULL, "respond-async"));
    CHECK_STR(value, "");
    CHECK(prefers("respond-async, wait=10", NULL, "wait"));
    CHECK_STR(value, "10");
    CHECK(prefers("respond-async", "handling=lenient; x=1, Wait = 7", "wait"));
    CHECK_STR(value, "7");
    CHECK(prefers("respond-async", "handling=lenient; x=1, Wait = 7", "handling"));
    CHECK_STR(value, "lenient");
    CHECK(prefers(", ,  wait=3 ,", NULL, "WAIT"));
    CHECK_STR(value, "3");
}

TEST(the_first_one_counts_and_quotes_are_taken_off)
{
    CHECK(prefers("wait=1, wait=2", "wait=3", "wait"));
    CHECK_STR(value, "1");
    CHECK(prefers("a=\"wait=5, x;y\", wait=\"4\"", NULL, "wait"));
    CHECK_STR(value, "4");
    CHECK(prefers("a=\"q\\\", wait=5\", b=\"\\\"c\"", NULL, "b"));
    CHECK_STR(value, "\"c");
    CHECK(prefers("a=12345678901234567890", NULL, "a"));
    CHECK_STR(value, "123456789012345");
    CHECK(prefers("a=", NULL, "a"));
    CHECK_STR(value, "");
}

TEST(what_is_not_there_is_not_preferred)
{
    CHECK(!prefers(NULL, NULL, "wait"));
    CHECK(!prefers("", NULL, "wait"));
    CHECK(!prefers("waits=1, x; wait=2", NULL, "wait"));
    CHECK(!prefers("x=\"", ",wait=\"", "y"));
}
