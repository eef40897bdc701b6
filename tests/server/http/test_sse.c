#include "http/sse.h"

#include "check.h"

/* Ends blob. */
static bool is(struct blob *blob, const char *text)
{
    const bool same =
        blob && blob_size(blob) == strlen(text) && memcmp(blob_data(blob), text, strlen(text)) == 0;

    blob_unref(blob);
    return same;
}

TEST(an_event_is_a_few_lines_and_a_blank_one)
{
    CHECK(is(sse_event(7, "progress", "{\"a\":1}"), "id: 7\nevent: progress\ndata: {\"a\":1}\n\n"));
    CHECK(is(sse_event(0, NULL, "[DONE]"), "data: [DONE]\n\n"));
    CHECK(is(sse_event(UINT64_MAX, NULL, ""), "id: 18446744073709551615\ndata: \n\n"));
}

TEST(line_ends_in_the_data_make_lines_of_their_own)
{
    CHECK(is(sse_event(0, NULL, "a\nb\r\nc\rd\n"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"));
}

TEST(a_ping_is_a_comment_and_the_reply_is_not_to_be_held_back)
{
    struct http_reply reply = {0};

    CHECK(is(sse_ping(), ": ping\n\n"));
    sse_reply(&reply);
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.content_type, "text/event-stream");
    CHECK(reply.stream.ping == sse_ping && reply.stream.ping_s > 0);
    CHECK_INT(reply.header_count, 2);
}
