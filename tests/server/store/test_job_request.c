#include "store/job_request.h"

#include "check.h"

TEST(tags_are_copied_and_bounded)
{
    struct job_request *request = job_request_new();
    char tag[] = "a";

    REQUIRE(request);
    for (int i = 0; i < JOB_MAX_TAGS; i++, tag[0]++)
        CHECK(job_request_tag(request, tag));
    CHECK(!job_request_tag(request, "one more"));
    CHECK(job_request_has_tag(request, "a"));
    CHECK(job_request_has_tag(request, "p"));
    CHECK(!job_request_has_tag(request, "one more"));
    CHECK(!job_request_has_tag(request, ""));
    job_request_unref(request);
}

TEST(a_webhook_that_names_no_events_is_told_the_ends)
{
    struct job_request *request = job_request_new();

    REQUIRE(request && job_request_set_webhook(request, "https://example.org/", 0));
    CHECK_STR(request->webhook_url, "https://example.org/");
    CHECK_INT(request->webhook_events, 1 << WEBHOOK_SUCCEEDED | 1 << WEBHOOK_FAILED | 1 << WEBHOOK_CANCELED);
    job_request_unref(request);
    request = job_request_new();
    REQUIRE(request && job_request_set_webhook(request, "https://example.org/", 1 << WEBHOOK_STARTED));
    CHECK_INT(request->webhook_events, 1 << WEBHOOK_STARTED);
    job_request_unref(request);
}

TEST(webhook_events_have_names)
{
    for (int i = 0; i < WEBHOOK_EVENT_COUNT; i++)
        CHECK_INT(webhook_event_find(webhook_event_name((enum webhook_event)i)), i);
    CHECK_INT(webhook_event_find("job.finished"), -1);
}

TEST(everything_a_request_keeps_counts)
{
    struct job_request *request = job_request_new();
    const size_t empty = job_request_bytes(request);

    REQUIRE(job_request_warn(request, "abc", "defg"));
    CHECK_INT(job_request_bytes(request), empty + 7);
    REQUIRE(job_request_tag(request, "12345"));
    REQUIRE(job_request_set_webhook(request, "123456", 0));
    CHECK_INT(job_request_bytes(request), empty + 18);
    REQUIRE(ltd_image_new(10, 20, &request->image, NULL) == LTD_OK);
    CHECK_INT(job_request_bytes(request), empty + 618);
    job_request_unref(request);
}
