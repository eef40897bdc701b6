#include "http/http_conditional.h"

#include "check.h"

static struct http_reply reply;

static int ask(const char *method, const char *name, const char *value, const char *if_range)
{
    struct http_request request = {.method = method};

    if (name)
        request.headers[request.header_count++] = (struct http_header){name, value};
    if (if_range)
        request.headers[request.header_count++] = (struct http_header){"If-Range", if_range};
    http_reply_fini(&reply);
    http_reply_bytes(&request, &reply, "image/png", blob_from_text("0123456789"), "abc");
    return reply.status;
}

static const char *header(const char *name)
{
    for (size_t i = 0; i < reply.header_count; i++)
        if (strcmp(reply.headers[i].name, name) == 0)
            return reply.headers[i].value;
    return "";
}

static bool body_is(const char *text)
{
    return reply.body && blob_size(reply.body) == strlen(text) &&
           memcmp(blob_data(reply.body), text, strlen(text)) == 0;
}

TEST(without_conditions_all_goes_out_with_its_tag)
{
    CHECK_INT(ask("GET", NULL, NULL, NULL), 200);
    CHECK(body_is("0123456789"));
    CHECK_STR(header("ETag"), "\"abc\"");
    CHECK_STR(header("Accept-Ranges"), "bytes");
    CHECK_STR(reply.content_type, "image/png");
}

TEST(who_has_it_already_is_told_so)
{
    static const char *const same[] = {"\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"",
                                       "\"x\",W/\"y\" , W/\"abc\""};
    static const char *const other[] = {"\"ab\"", "\"abcd\"", "abc", "\"x\"", "", "\"abc", "\"x\" \"", ",,"};

    for (size_t i = 0; i < COUNT(same); i++) {
        CHECK_INT(ask("GET", "If-None-Match", same[i], NULL), 304);
        CHECK(!reply.body);
        CHECK_STR(header("ETag"), "\"abc\"");
    }
    CHECK_INT(ask("HEAD", "If-None-Match", "\"abc\"", NULL), 304);
    for (size_t i = 0; i < COUNT(other); i++)
        CHECK_INT(ask("GET", "If-None-Match", other[i], NULL), 200);
}

TEST(a_range_is_cut_out)
{
    static const struct {
        const char *range, *part, *content_range;
    } rows[] = {
        {"bytes=0-0", "0", "bytes 0-0/10"},         {"bytes=2-4", "234", "bytes 2-4/10"},
        {"bytes=7-", "789", "bytes 7-9/10"},        {"bytes=7-100", "789", "bytes 7-9/10"},
        {"bytes=-3", "789", "bytes 7-9/10"},        {"bytes=-30", "0123456789", "bytes 0-9/10"},
        {"Bytes=0-", "0123456789", "bytes 0-9/10"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(ask("GET", "Range", rows[i].range, NULL), 206);
        CHECK(body_is(rows[i].part));
        CHECK_STR(header("Content-Range"), rows[i].content_range);
    }
}

TEST(a_range_that_is_none_is_not_heard_and_one_past_the_end_refused)
{
    static const char *const none[] = {
        "bytes=",  "bytes=a-b", "bytes=4-2",  "bytes=1-2,4-5", "lines=1-2",
        "bytes=-", "bytes=1",   "bytes= 1-2", "bytes=-1-2",    "bytes=0-99999999999999999999",
        ""};

    for (size_t i = 0; i < COUNT(none); i++) {
        CHECK_INT(ask("GET", "Range", none[i], NULL), 200);
        CHECK(body_is("0123456789"));
    }
    CHECK_INT(ask("GET", "Range", "bytes=10-", NULL), 416);
    CHECK_STR(header("Content-Range"), "bytes */10");
    CHECK_INT(ask("GET", "Range", "bytes=-0", NULL), 416);
    CHECK_INT(ask("HEAD", "Range", "bytes=0-1", NULL), 200);
}

TEST(if_range_wants_the_very_same_bytes)
{
    CHECK_INT(ask("GET", "Range", "bytes=0-1", "\"abc\""), 206);
    CHECK_INT(ask("GET", "Range", "bytes=0-1", "\"abd\""), 200);
    CHECK_INT(ask("GET", "Range", "bytes=0-1", "W/\"abc\""), 200);
    CHECK_INT(ask("GET", "Range", "bytes=0-1", "Sat, 29 Oct 1994 19:43:31 GMT"), 200);
}

TEST(no_bytes_and_no_memory)
{
    struct http_request request = {.method = "GET", .headers = {{"Range", "bytes=0-"}}, .header_count = 1};

    http_reply_fini(&reply);
    http_reply_bytes(&request, &reply, "text/plain", blob_from_text(""), NULL);
    CHECK_INT(reply.status, 416);
    CHECK_STR(header("ETag"), "");
    http_reply_fini(&reply);
    http_reply_bytes(&request, &reply, "text/plain", NULL, "a");
    CHECK_INT(reply.status, 503);
    http_reply_fini(&reply);
}
