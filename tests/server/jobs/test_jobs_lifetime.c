#include "jobs/jobs.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fake_engine.h"
#include "jobs_fixture.h"
#include "util/clock.h"

static const char nobody[] = "00000000000000000000000000000000";

static enum job_found found(const char *id)
{
    struct job_view job;
    const enum job_found answer = jobs_get(jobs, id, &job);

    if (answer == JOB_FOUND)
        job_record_fini(&job.record);
    return answer;
}

/* The status of the error that the job ended with. */
static enum ltd_status error_of(const char *id)
{
    struct job_view job;
    enum ltd_status status = LTD_OK;

    if (jobs_get(jobs, id, &job) == JOB_FOUND) {
        status = job.record.result.error.status;
        job_record_fini(&job.record);
    }
    return status;
}

TEST(a_job_fails_at_its_deadline_whether_it_waits_or_runs)
{
    struct job_request *request;
    struct job_submitted running, waiting;
    double begin;

    REQUIRE(start(1, 4, 1000));
    begin = clock_monotonic();
    request = new_request("x", 100, 1);
    request->deadline_s = 0.2;
    CHECK_INT(submit_how(request, (struct job_submit){0}, &running), LTD_OK);
    CHECK_INT(wait_for(running.id, JOB_RUNNING), JOB_RUNNING);
    request = new_request("x", 100, 1);
    request->deadline_s = 0.1;
    CHECK_INT(submit_how(request, (struct job_submit){0}, &waiting), LTD_OK);
    CHECK_INT(tick_until_ended(waiting.id), JOB_FAILED);
    CHECK_INT(error_of(waiting.id), LTD_EDEADLINE);
    CHECK_INT(tick_until_ended(running.id), JOB_FAILED);
    CHECK_INT(error_of(running.id), LTD_EDEADLINE);
    CHECK(clock_monotonic() - begin >= 0.2);
    CHECK(clock_monotonic() - begin < 5);
    stop();
}

TEST(a_job_that_is_done_in_time_has_no_deadline_any_more)
{
    struct job_request *request;
    struct job_submitted out;

    REQUIRE(start(1, 4, 0));
    request = new_request("x", 1, 1);
    request->deadline_s = 0.2;
    CHECK_INT(submit_how(request, (struct job_submit){0}, &out), LTD_OK);
    CHECK_INT(wait_for(out.id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    usleep(250000);
    jobs_tick(jobs);
    CHECK_INT(state_of(out.id), JOB_SUCCEEDED);
    stop();
}

TEST(many_deadlines_at_once_are_all_kept)
{
    enum { MANY = 150 };
    char ids[MANY][RANDOM_ID_SIZE];

    REQUIRE(start(1, MANY, 1000));
    for (int i = 0; i < MANY; i++) {
        struct job_request *request = new_request("x", 100, 1);
        struct job_submitted out = {0};

        request->deadline_s = 0.001;
        CHECK_INT(submit_how(request, (struct job_submit){0}, &out), LTD_OK);
        memcpy(ids[i], out.id, RANDOM_ID_SIZE);
    }
    usleep(2000);
    jobs_tick(jobs);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(wait_for(ids[i], JOB_FAILED), JOB_FAILED);
    stop();
}

TEST(a_removed_job_is_gone_at_once_or_when_it_has_stopped)
{
    char ended[RANDOM_ID_SIZE], running[RANDOM_ID_SIZE], waiting[RANDOM_ID_SIZE];
    const double end = clock_monotonic() + 20;

    REQUIRE(start(1, 4, 0));
    CHECK_INT(submit("x", 1, 1, ended), LTD_OK);
    CHECK_INT(wait_for(ended, JOB_SUCCEEDED), JOB_SUCCEEDED);
    atomic_store(&fake_engine_step_ms, 1000);
    CHECK_INT(submit("x", 100, 1, running), LTD_OK);
    CHECK_INT(submit("x", 100, 1, waiting), LTD_OK);
    CHECK_INT(wait_for(running, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(jobs_remove(jobs, ended), JOB_FOUND);
    CHECK_INT(found(ended), JOB_EXPIRED);
    CHECK_INT(jobs_remove(jobs, ended), JOB_EXPIRED);
    CHECK_INT(jobs_remove(jobs, waiting), JOB_FOUND);
    CHECK_INT(found(waiting), JOB_EXPIRED);
    CHECK_INT(jobs_remove(jobs, running), JOB_FOUND);
    while (found(running) == JOB_FOUND && clock_monotonic() < end)
        usleep(500);
    CHECK_INT(found(running), JOB_EXPIRED);
    CHECK_INT(jobs_remove(jobs, nobody), JOB_UNKNOWN);
    jobs_stop(jobs);
    CHECK_INT(atomic_load(&notified), 3);
    stop();
}

TEST(the_end_of_a_removed_job_can_still_be_read_by_who_follows_it)
{
    const struct job_watch watch = {.notify = {fixture_notify, NULL, 7}, .every_event = true};
    struct job_event event;
    struct job_submitted out;
    bool ended = false;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit("x", 100, 1, out.id), LTD_OK);
    CHECK_INT(wait_for(out.id, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(submit_how(new_request("x", 1, 1), (struct job_submit){.watch = &watch}, &out), LTD_OK);
    CHECK_INT(jobs_remove(jobs, out.id), JOB_FOUND);
    jobs_tick(jobs);
    CHECK_INT(jobs_events(jobs, out.id, 1, &event, 1, &ended), 1);
    CHECK(ended);
    CHECK_INT(event.type, JOB_EVENT_ENDED);
    CHECK_INT(event.state, JOB_CANCELED);
    jobs_unwatch(jobs, out.id, 7);
    jobs_tick(jobs);
    CHECK_INT(jobs_events(jobs, out.id, 0, &event, 1, &ended), 0);
    CHECK(ended);
    stop();
}

TEST(what_lives_of_a_job_goes_with_it)
{
    char id[RANDOM_ID_SIZE];
    struct job_event event;
    bool ended;

    REQUIRE(fixture_open(1, 4, 0, 0.1));
    CHECK_INT(submit("x", 1, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    jobs_tick(jobs);
    CHECK_INT(jobs_events(jobs, id, 0, &event, 1, &ended), 1);
    job_event_fini(&event);
    usleep(120000);
    jobs_tick(jobs);
    CHECK_INT(found(id), JOB_EXPIRED);
    CHECK_INT(jobs_events(jobs, id, 0, &event, 1, &ended), 0);
    CHECK(ended);
    CHECK_INT(jobs_watch(jobs, id, &(struct job_watch){.notify = {fixture_notify, NULL, 1}}), JOB_EXPIRED);
    stop();
}
