#include "http/http_message.h"

#include "check.h"

static int prefers(const char *accept)
{
    struct http_request request = {.header_count = accept ? 1 : 0};

    request.headers[0] = (struct http_header){"accept", accept};
    return http_request_prefers(&request, "image/png", "application/json");
}

TEST(accept_chooses)
{
    CHECK_INT(prefers(NULL), 0);
    CHECK_INT(prefers(""), 0);
    CHECK_INT(prefers("*/*"), 0);
    CHECK_INT(prefers("application/json"), 0);
    CHECK_INT(prefers("application/*"), 0);
    CHECK_INT(prefers("image/png"), 1);
    CHECK_INT(prefers("IMAGE/PNG"), 1);
    CHECK_INT(prefers("image/*"), 1);
    CHECK_INT(prefers("image/avif,image/webp,image/png,*/*;q=0.8"), 1);
    CHECK_INT(prefers("image/png;q=0.5, application/json"), 0);
    CHECK_INT(prefers("image/png;q=0.5, application/json;q=0.4"), 1);
    CHECK_INT(prefers("image/png;q=0, */*"), 0);
    CHECK_INT(prefers("text/html"), -1);
    CHECK_INT(prefers("image/png;q=0"), -1);
    CHECK_INT(prefers("image/jpeg, text/*"), -1);
    CHECK_INT(prefers(",,;q=,"), -1);
}

TEST(a_query_parameter_that_nobody_knows_is_found)
{
    struct http_request request = {.query = ""};
    char value[8] = "x";
    size_t length;

    CHECK(!http_request_query_unknown(&request, NULL, &length));
    request.query = "&a=1&&a&";
    CHECK(!http_request_query_unknown(&request, "a", &length));
    CHECK(http_request_query_unknown(&request, NULL, &length) == request.query + 1);
    CHECK_INT(length, 1);
    request.query = "a=1&ab=2&c";
    CHECK(http_request_query_unknown(&request, "a", &length) == request.query + 4);
    CHECK_INT(length, 2);
    CHECK(http_request_query_unknown(&request, "a ab", &length) == request.query + 9);
    CHECK(http_request_query_unknown(&request, "b  a abc", &length) == request.query + 4);
    CHECK(!http_request_query_unknown(&request, "c ab a", &length));
    CHECK(http_request_query(&request, "c", value, sizeof value));
    CHECK_STR(value, "");
}

TEST(query_values_are_unescaped)
{
    struct http_request request = {.query = "ab=x&a=1%202+3&b=&c&a=9"};
    char value[8];

    CHECK(http_request_query(&request, "a", value, sizeof value));
    CHECK_STR(value, "1 2 3");
    CHECK(http_request_query(&request, "b", value, sizeof value));
    CHECK_STR(value, "");
    CHECK(http_request_query(&request, "c", value, sizeof value));
    CHECK_STR(value, "");
    CHECK(!http_request_query(&request, "d", value, sizeof value));
    request.query = "a=%4";
    CHECK(http_request_query(&request, "a", value, sizeof value));
    CHECK_STR(value, "%4");
    request.query = "a=123456789";
    CHECK(http_request_query(&request, "a", value, sizeof value));
    CHECK_STR(value, "1234567");
}

TEST(header_values_cannot_break_out)
{
    struct http_reply reply = {0};

    http_reply_header(&reply, "X-Name", "a\r\nX-Evil: 1\x80");
    CHECK_STR(reply.headers[0].value, "a??X-Evil: 1?");
    for (int i = 0; i < 2 * HTTP_MAX_REPLY_HEADERS; i++)
        http_reply_header(&reply, "X-Name", "%d", i);
    CHECK_INT(reply.header_count, HTTP_MAX_REPLY_HEADERS);
    http_reply_fini(&reply);
}

TEST(a_body_that_found_no_memory_is_an_empty_503)
{
    struct http_reply reply = {0};

    http_reply_body(&reply, 200, "text/plain", blob_from_text("x"));
    CHECK_INT(reply.status, 200);
    http_reply_body(&reply, 200, "text/plain", NULL);
    CHECK_INT(reply.status, 503);
    CHECK(!reply.body && !reply.content_type);
    http_reply_fini(&reply);
}
