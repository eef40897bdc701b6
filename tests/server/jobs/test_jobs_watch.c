#include "jobs/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fake_engine.h"
#include "jobs_fixture.h"
#include "util/clock.h"

static const char nobody[] = "00000000000000000000000000000000";

static enum job_found watch_end(const char *id, uint64_t number)
{
    const struct job_watch watch = {.notify = {fixture_notify, NULL, number}};

    return jobs_watch(jobs, id, &watch);
}

static enum job_found follow(const char *id, uint64_t number, uint64_t after, bool previews)
{
    const struct job_watch watch = {
        .notify = {fixture_notify, NULL, number}, .every_event = true, .after = after, .previews = previews};

    return jobs_watch(jobs, id, &watch);
}

/* Waits until somebody was called `count` times. */
static bool wait_notified(int count)
{
    const double end = clock_monotonic() + 20;

    while (atomic_load(&notified) < count && clock_monotonic() < end)
        usleep(500);
    return atomic_load(&notified) >= count;
}

/* Reads the events after `after` to the end of the job: as many of each type as counts[] says. */
static uint64_t read_events(const char *id, uint64_t after, int counts[JOB_EVENT_ENDED + 1])
{
    struct job_event events[7];
    bool ended = false;

    while (!ended) {
        const size_t count = jobs_events(jobs, id, after, events, COUNT(events), &ended);

        for (size_t i = 0; i < count; i++) {
            CHECK(events[i].number > after);
            after = events[i].number;
            counts[events[i].type]++;
            job_event_fini(&events[i]);
        }
        if (count == 0)
            usleep(500);
    }
    return after;
}

TEST(the_events_of_a_job_tell_its_whole_story)
{
    int counts[JOB_EVENT_ENDED + 1] = {0}, again[JOB_EVENT_ENDED + 1] = {0};
    char id[RANDOM_ID_SIZE];
    uint64_t last;
    struct job_view job;

    REQUIRE(start(1, 4, 1));
    CHECK_INT(submit("x", 5, 2, id), LTD_OK);
    last = read_events(id, 0, counts);
    CHECK_INT(counts[JOB_EVENT_QUEUED], 1);
    CHECK_INT(counts[JOB_EVENT_STARTED], 1);
    CHECK(counts[JOB_EVENT_PROGRESS] >= 2 * 5);
    CHECK_INT(counts[JOB_EVENT_PREVIEW], 0);
    CHECK_INT(counts[JOB_EVENT_IMAGE], 2);
    CHECK_INT(counts[JOB_EVENT_ENDED], 1);
    REQUIRE(jobs_get(jobs, id, &job) == JOB_FOUND);
    CHECK_INT(job.last_event, last);
    CHECK(job.eta_s == 0);
    job_record_fini(&job.record);
    CHECK_INT(read_events(id, last - 2, again), last); /* replayed from there */
    CHECK_INT(again[JOB_EVENT_IMAGE] + again[JOB_EVENT_PROGRESS] + again[JOB_EVENT_ENDED], 2);
    stop();
}

TEST(pictures_of_a_job_that_fails_later_are_not_kept)
{
    struct job_event events[32];
    char id[RANDOM_ID_SIZE];
    bool ended, seen = false;
    size_t count;

    REQUIRE(start(1, 4, 1));
    CHECK_INT(submit("x", 5, 100, id), LTD_OK);
    do {
        count = jobs_events(jobs, id, 0, events, COUNT(events), &ended);
        for (size_t i = 0; i < count; i++) {
            seen |= events[i].type == JOB_EVENT_IMAGE && events[i].picture;
            job_event_fini(&events[i]);
        }
    } while (!seen);
    jobs_cancel(jobs, id);
    CHECK_INT(wait_for(id, JOB_CANCELED), JOB_CANCELED);
    count = jobs_events(jobs, id, 0, events, COUNT(events), &ended);
    for (size_t i = 0; i < count; i++) {
        CHECK(!events[i].picture);
        job_event_fini(&events[i]);
    }
    stop();
}

TEST(a_watch_for_the_end_is_called_once)
{
    char id[RANDOM_ID_SIZE];

    REQUIRE(start(1, 4, 1));
    CHECK_INT(submit("x", 20, 1, id), LTD_OK);
    CHECK_INT(watch_end(id, 2), JOB_FOUND);
    CHECK_INT(watch_end(nobody, 3), JOB_UNKNOWN);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    CHECK(wait_notified(2));
    CHECK_INT(watch_end(id, 4), JOB_FOUND); /* too late to wait: at once */
    CHECK_INT(atomic_load(&notified), 3);
    stop();
    CHECK_INT(atomic_load(&notified), 3);
}

TEST(who_follows_is_called_for_each_event_and_at_once_when_behind)
{
    char blocker[RANDOM_ID_SIZE], id[RANDOM_ID_SIZE];
    struct job_submitted out;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit("x", 100, 1, blocker), LTD_OK);
    CHECK_INT(wait_for(blocker, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(submit_how(new_request("x", 10, 1), (struct job_submit){0}, &out), LTD_OK);
    memcpy(id, out.id, sizeof id);
    CHECK_INT(follow(id, 2, 1, false), JOB_FOUND); /* has seen that it waits */
    CHECK_INT(atomic_load(&notified), 0);
    CHECK_INT(follow(id, 3, 0, false), JOB_FOUND);
    CHECK_INT(atomic_load(&notified), 1);
    jobs_unwatch(jobs, id, 3);
    jobs_unwatch(jobs, id, 3);
    jobs_unwatch(jobs, nobody, 3);
    jobs_cancel(jobs, id);
    CHECK_INT(atomic_load(&notified), 2); /* it has ended; and only 2 is told */
    CHECK_INT(follow(id, 4, 0, false), JOB_FOUND);
    CHECK_INT(atomic_load(&notified), 3); /* there is something to read, though it has ended */
    stop();
}

TEST(positions_are_told_when_they_change)
{
    char ids[4][RANDOM_ID_SIZE];
    struct job_event events[8];
    size_t count;
    bool ended;

    REQUIRE(start(1, 8, 1000));
    for (int i = 0; i < 4; i++)
        CHECK_INT(submit("x", 100, 1, ids[i]), LTD_OK);
    CHECK_INT(wait_for(ids[0], JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(follow(ids[3], 2, 1, false), JOB_FOUND);
    jobs_cancel(jobs, ids[1]);
    jobs_tick(jobs);
    jobs_tick(jobs);
    count = jobs_events(jobs, ids[3], 1, events, COUNT(events), &ended);
    REQUIRE(count == 1);
    CHECK(!ended);
    CHECK_INT(events[0].type, JOB_EVENT_POSITION);
    CHECK_INT(events[0].position, 2);
    CHECK_INT(events[0].state, JOB_QUEUED);
    CHECK_INT(jobs_events(jobs, ids[2], 1, events, COUNT(events), &ended), 0); /* nobody follows it */
    stop();
}

/* The number of the newest preview; 0: there is none. */
static uint64_t preview(const char *id)
{
    struct blob *png = NULL;
    uint64_t number = 0;

    CHECK_INT(jobs_preview(jobs, id, &png, &number), JOB_FOUND);
    CHECK((png != NULL) == (number > 0));
    if (png)
        CHECK(memcmp(blob_data(png), "\x89PNG", 4) == 0);
    blob_unref(png);
    return number;
}

TEST(previews_are_made_for_who_asks)
{
    const double end = clock_monotonic() + 20;
    char id[RANDOM_ID_SIZE];
    uint64_t first, number;

    REQUIRE(start(1, 4, 2));
    CHECK_INT(submit("x", 10000, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_RUNNING), JOB_RUNNING);
    usleep(20000);
    CHECK_INT(preview(id), 0); /* nobody had asked */
    while ((first = preview(id)) == 0 && clock_monotonic() < end)
        usleep(500);
    while ((number = preview(id)) == first && clock_monotonic() < end)
        usleep(500);
    CHECK(number > first);
    CHECK_INT(jobs_preview(jobs, nobody, &(struct blob *){NULL}, &number), JOB_UNKNOWN);
    jobs_cancel(jobs, id);
    CHECK_INT(wait_for(id, JOB_CANCELED), JOB_CANCELED);
    CHECK_INT(preview(id), 0);
    stop();
}

TEST(who_follows_with_previews_gets_them_until_he_goes)
{
    char id[RANDOM_ID_SIZE];
    int counts[JOB_EVENT_ENDED + 1] = {0};
    const struct job_watch watch = {
        .notify = {fixture_notify, NULL, 1}, .every_event = true, .previews = true, .wants_job = true};
    struct job_submitted out;

    REQUIRE(start(1, 4, 2));
    CHECK_INT(submit_how(new_request("x", 8, 1), (struct job_submit){.watch = &watch}, &out), LTD_OK);
    memcpy(id, out.id, sizeof id);
    read_events(id, 0, counts);
    CHECK(counts[JOB_EVENT_PREVIEW] >= 1);
    stop();
}

TEST(a_job_whose_last_client_goes_away_is_canceled)
{
    const struct job_watch a = {.notify = {fixture_notify, NULL, 1}, .wants_job = true},
                           b = {.notify = {fixture_notify, NULL, 2}, .wants_job = true};
    struct job_submitted out;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit_how(new_request("x", 100, 1), (struct job_submit){.watch = &a}, &out), LTD_OK);
    CHECK_INT(wait_for(out.id, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(jobs_watch(jobs, out.id, &b), JOB_FOUND);
    jobs_abandon(jobs, out.id, 3);
    jobs_abandon(jobs, nobody, 1);
    jobs_abandon(jobs, out.id, 1);
    usleep(5000);
    CHECK_INT(state_of(out.id), JOB_RUNNING);
    jobs_abandon(jobs, out.id, 2);
    CHECK_INT(wait_for(out.id, JOB_CANCELED), JOB_CANCELED);
    stop();
    CHECK_INT(atomic_load(&notified), 0);
}

TEST(a_job_with_a_handle_stays_whoever_goes_away)
{
    const struct job_watch watch = {.notify = {fixture_notify, NULL, 1}, .wants_job = true};
    struct job_submitted out;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit_how(new_request("x", 100, 1), (struct job_submit){0}, &out), LTD_OK);
    CHECK_INT(jobs_watch(jobs, out.id, &watch), JOB_FOUND);
    jobs_abandon(jobs, out.id, 1);
    jobs_tick(jobs);
    CHECK(!job_state_is_final(state_of(out.id)));
    /* A client that stops waiting takes the handle with it. */
    CHECK_INT(submit_how(new_request("x", 100, 1), (struct job_submit){.watch = &watch}, &out), LTD_OK);
    jobs_unwatch(jobs, out.id, 1);
    CHECK_INT(jobs_watch(jobs, out.id, &watch), JOB_FOUND);
    jobs_abandon(jobs, out.id, 1);
    CHECK_INT(state_of(out.id), JOB_QUEUED);
    stop();
}

/* Submits a job that may be left behind, and leaves it. */
static void leave_behind(struct job_submitted *out)
{
    static const uint8_t fingerprint[SHA256_SIZE] = {1};
    const struct job_watch watch = {.notify = {fixture_notify, NULL, 1}, .wants_job = true};
    struct job_request *request = new_request("x", 100, 1);

    request->detach = true;
    CHECK_INT(submit_how(request,
                         (struct job_submit){.fingerprint = fingerprint, .join = true, .watch = &watch}, out),
              LTD_OK);
    jobs_abandon(jobs, out->id, 1);
}

TEST(a_job_left_behind_runs_on_for_a_while)
{
    struct job_submitted out;
    double left;

    REQUIRE(start(1, 4, 1000));
    left = clock_monotonic();
    leave_behind(&out);
    jobs_tick(jobs);
    CHECK(!job_state_is_final(state_of(out.id)));
    CHECK_INT(tick_until_ended(out.id), JOB_CANCELED);
    CHECK(clock_monotonic() - left >= 0.3);
    stop();
}

TEST(a_job_left_behind_is_there_for_who_comes_back)
{
    const struct job_watch watch = {.notify = {fixture_notify, NULL, 2}, .wants_job = true};
    static const uint8_t fingerprint[SHA256_SIZE] = {1};
    struct job_submitted first, again;

    REQUIRE(start(1, 4, 1000));
    leave_behind(&first);
    CHECK_INT(submit_how(new_request("x", 100, 1),
                         (struct job_submit){.fingerprint = fingerprint, .join = true, .watch = &watch},
                         &again),
              LTD_OK);
    CHECK_STR(again.id, first.id);
    usleep(350000);
    jobs_tick(jobs);
    CHECK(!job_state_is_final(state_of(first.id)));
    stop();
    CHECK_INT(atomic_load(&notified), 1);
}

static atomic_bool done;

static void *come_and_go(void *arg)
{
    const uint64_t base = (uint64_t)(uintptr_t)arg * 1000000;
    char id[RANDOM_ID_SIZE];
    uint64_t number = base;
    struct blob *png;

    while (!atomic_load(&done)) {
        struct job_event events[4];
        bool ended;
        size_t count;

        if (submit("x", 3, 1, id) != LTD_OK)
            continue;
        number++;
        follow(id, number, 0, number % 2);
        if (jobs_preview(jobs, id, &png, &(uint64_t){0}) == JOB_FOUND)
            blob_unref(png);
        count = jobs_events(jobs, id, 0, events, COUNT(events), &ended);
        for (size_t i = 0; i < count; i++)
            job_event_fini(&events[i]);
        if (number % 3 == 0)
            jobs_abandon(jobs, id, number);
        else if (number % 3 == 1)
            jobs_unwatch(jobs, id, number);
        if (number % 5 == 0)
            jobs_remove(jobs, id);
    }
    return NULL;
}

/* For the sanitizers: everything at once. */
TEST(watches_come_and_go_beside_workers_and_ticks)
{
    const double end = clock_monotonic() + 0.5;
    pthread_t threads[3];

    REQUIRE(fixture_open(2, 8, 0, 0.05));
    atomic_store(&done, false);
    for (size_t i = 0; i < COUNT(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)) == 0);
    while (clock_monotonic() < end) {
        jobs_tick(jobs);
        usleep(1000);
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    stop();
}
