#include "jobs/event_log.h"

#include <stdlib.h>

#include "check.h"

static struct blob *picture(void)
{
    return blob_from_text("picture");
}

static void add(struct event_log *log, enum job_event_type type, struct blob *blob)
{
    struct job_event event = {.type = type, .picture = blob};

    event_log_add(log, &event);
}

static size_t count_of(const struct event_log *log, enum job_event_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < log->count; i++)
        count += log->items[i].type == type;
    return count;
}

TEST(events_are_numbered_and_replayed_from_any)
{
    struct event_log log = {0};
    struct job_event out[4];

    for (int i = 0; i < 10; i++)
        add(&log, JOB_EVENT_PROGRESS, NULL);
    CHECK_INT(event_log_copy(&log, 0, out, COUNT(out)), 4);
    CHECK_INT(out[0].number, 1);
    CHECK_INT(out[3].number, 4);
    CHECK(out[0].at_ms > 0);
    CHECK_INT(event_log_copy(&log, 8, out, COUNT(out)), 2);
    CHECK_INT(out[0].number, 9);
    CHECK_INT(event_log_copy(&log, 10, out, COUNT(out)), 0);
    CHECK_INT(event_log_copy(&log, 1000, out, COUNT(out)), 0);
    event_log_fini(&log);
}

TEST(only_the_newest_preview_and_position_are_kept)
{
    struct event_log log = {0};
    struct job_event copy;

    CHECK(!event_log_preview(&log));
    for (int i = 0; i < 5; i++) {
        add(&log, JOB_EVENT_POSITION, NULL);
        add(&log, JOB_EVENT_PREVIEW, picture());
    }
    CHECK_INT(log.count, 2);
    REQUIRE(event_log_preview(&log));
    CHECK_INT(event_log_preview(&log)->number, 10);
    CHECK_INT(event_log_copy(&log, 9, &copy, 1), 1);
    event_log_fini(&log); /* a copy has a reference of its own */
    CHECK_INT(blob_size(copy.picture), 7);
    job_event_fini(&copy);
}

TEST(a_long_job_loses_old_progress_and_nothing_else)
{
    struct event_log log = {0};
    struct job_event out[EVENT_LOG_ROOM];

    add(&log, JOB_EVENT_QUEUED, NULL);
    add(&log, JOB_EVENT_STARTED, NULL);
    for (int image = 0; image < 256; image++) {
        for (int i = 0; i < 20; i++)
            add(&log, JOB_EVENT_PROGRESS, NULL);
        add(&log, JOB_EVENT_IMAGE, picture());
    }
    add(&log, JOB_EVENT_ENDED, NULL);
    CHECK_INT(log.count, EVENT_LOG_ROOM);
    CHECK_INT(count_of(&log, JOB_EVENT_IMAGE), 256);
    CHECK_INT(log.items[0].type, JOB_EVENT_QUEUED);
    CHECK_INT(log.items[1].type, JOB_EVENT_STARTED);
    CHECK_INT(log.items[log.count - 1].type, JOB_EVENT_ENDED);
    CHECK_INT(log.last, 3 + 256 * 21);
    REQUIRE(event_log_copy(&log, 0, out, COUNT(out)) == EVENT_LOG_ROOM);
    for (size_t i = 0; i < COUNT(out); i++) {
        CHECK(i == 0 || out[i].number > out[i - 1].number);
        job_event_fini(&out[i]);
    }
    event_log_fini(&log);
}

TEST(a_trimmed_log_tells_what_became_of_the_job)
{
    struct event_log log = {0};

    add(&log, JOB_EVENT_QUEUED, NULL);
    add(&log, JOB_EVENT_POSITION, NULL);
    add(&log, JOB_EVENT_STARTED, NULL);
    for (int i = 0; i < 100; i++)
        add(&log, JOB_EVENT_PROGRESS, NULL);
    add(&log, JOB_EVENT_PREVIEW, picture());
    add(&log, JOB_EVENT_IMAGE, picture());
    add(&log, JOB_EVENT_ENDED, NULL);
    event_log_trim(&log);
    CHECK_INT(log.count, 4);
    CHECK_INT(log.items[2].type, JOB_EVENT_IMAGE);
    CHECK(log.items[2].picture != NULL);
    event_log_drop_pictures(&log);
    CHECK(!log.items[2].picture);
    CHECK_INT(log.last, 106);
    event_log_fini(&log);
}
