/* test_jobs_eta.c - when a job will be done, as the queue says. */
#include "jobs/jobs.h"

#include <math.h>

#include "check.h"
#include "jobs_fixture.h"

enum { STEP_MS = 20 };
/* Of jobs that are canceled long before: what a busy machine does between two questions is nothing beside. */
enum { MANY_STEPS = 2000 };

static double eta_of(const char *id)
{
    struct job_view job;

    if (jobs_get(jobs, id, &job) != JOB_FOUND) {
        check_failed(__FILE__, __LINE__, "the job is gone");
        return NAN;
    }
    job_record_fini(&job.record);
    return job.eta_s;
}

/* Draws once, and from then on the queue knows how long a step takes: that is what the engine says, which on
 * a busy machine sleeps longer than it is asked to. */
static double warm_up(void)
{
    char id[RANDOM_ID_SIZE];
    struct job_view job;
    double sample_s;

    CHECK_INT(submit("x", 5, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    if (jobs_get(jobs, id, &job) != JOB_FOUND)
        return NAN;
    sample_s = job.record.result.timings.sample_s;
    job_record_fini(&job.record);
    return sample_s / 5;
}

/* Against what was left in truth, once a few steps are made; a busy machine may be three times slower in one
 * half than in the other. */
TEST(a_running_job_counts_down)
{
    struct job_event events[64];
    char id[RANDOM_ID_SIZE];
    int64_t end_ms = 0;
    bool ended;
    size_t count;

    REQUIRE(start(1, 4, STEP_MS));
    warm_up();
    CHECK_INT(submit("x", 40, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    CHECK(eta_of(id) == 0);
    count = jobs_events(jobs, id, 0, events, COUNT(events), &ended);
    REQUIRE(count > 40 && events[count - 1].type == JOB_EVENT_ENDED);
    end_ms = events[count - 1].at_ms;
    for (size_t i = 0; i < count; i++) {
        const double left = (double)(end_ms - events[i].at_ms) / 1000;

        if (events[i].type == JOB_EVENT_PROGRESS && events[i].progress.step >= 5 &&
            !(events[i].eta_s > left / 3 - 0.1 && events[i].eta_s < left * 3 + 0.1))
            check_failed(__FILE__, __LINE__, "step %d: %.3f s were left, told were %.3f s",
                         events[i].progress.step, left, events[i].eta_s);
        job_event_fini(&events[i]);
    }
    stop();
}

/* Ends the job, so that a test need not wait for it. */
static void end(const char *id)
{
    jobs_cancel(jobs, id);
    wait_for(id, JOB_CANCELED);
}

TEST(who_waits_waits_for_all_before_it)
{
    char id[4][RANDOM_ID_SIZE];
    double eta[COUNT(id)], one, step_s;
    struct job_queue_view queue;
    struct job_event event;
    bool ended;

    REQUIRE(start(1, 8, STEP_MS));
    step_s = warm_up();
    for (size_t i = 0; i < COUNT(id); i++)
        CHECK_INT(submit("x", MANY_STEPS, i == 2 ? 2 : 1, id[i]), LTD_OK);
    CHECK_INT(wait_for(id[0], JOB_RUNNING), JOB_RUNNING);
    for (size_t i = 0; i < COUNT(id); i++)
        eta[i] = eta_of(id[i]);
    one = MANY_STEPS * step_s;
    CHECK(eta[0] > 0);
    CHECK_NEAR((eta[1] - eta[0]) / one, 1, 0.1);
    CHECK_NEAR((eta[2] - eta[1]) / one, 2, 0.1); /* it has two images */
    CHECK_NEAR((eta[3] - eta[2]) / one, 1, 0.1);
    REQUIRE(jobs_events(jobs, id[3], 0, &event, 1, &ended) == 1);
    CHECK_INT(event.type, JOB_EVENT_QUEUED);
    CHECK_NEAR(event.eta_s / eta[3], 1, 0.1);
    job_event_fini(&event);
    jobs_queue(jobs, &queue);
    CHECK_NEAR(queue.eta_s / eta[3], 1, 0.1);
    CHECK_NEAR(queue.running[0].eta_s / one, 1, 0.1);
    CHECK_INT(jobs_retry_after(jobs), (int)ceil(queue.running[0].eta_s));
    end(id[1]);
    CHECK_NEAR((eta_of(id[3]) - eta_of(id[2])) / one, 1, 0.1);
    CHECK_NEAR((eta_of(id[2]) - eta_of(id[0])) / one, 2, 0.1);
    for (size_t i = 0; i < COUNT(id); i++)
        end(id[i]);
    stop();
}

TEST(workers_share_the_queue)
{
    char id[5][RANDOM_ID_SIZE];
    double one;

    REQUIRE(start(2, 8, STEP_MS));
    one = MANY_STEPS * warm_up();
    for (size_t i = 0; i < COUNT(id); i++)
        CHECK_INT(submit("x", MANY_STEPS, 1, id[i]), LTD_OK);
    CHECK_INT(wait_for(id[1], JOB_RUNNING), JOB_RUNNING);
    CHECK_NEAR((eta_of(id[2]) - fmin(eta_of(id[0]), eta_of(id[1]))) / one, 1, 0.1);
    CHECK_NEAR((eta_of(id[3]) - fmax(eta_of(id[0]), eta_of(id[1]))) / one, 1, 0.1);
    CHECK_NEAR((eta_of(id[4]) - eta_of(id[2])) / one, 1, 0.1);
    for (size_t i = COUNT(id); i-- > 0;)
        end(id[i]);
    stop();
}

TEST(far_back_in_a_long_queue_the_eta_is_an_average)
{
    enum { LONG = 600 };
    static char id[LONG][RANDOM_ID_SIZE];
    double one;

    REQUIRE(start(1, LONG, 100));
    warm_up();
    for (int i = 0; i < LONG; i++)
        CHECK_INT(submit("x", 1000, 1, id[i]), LTD_OK);
    CHECK_INT(wait_for(id[0], JOB_RUNNING), JOB_RUNNING);
    one = eta_of(id[1]) - eta_of(id[0]);
    CHECK_NEAR(eta_of(id[LONG - 1]) / (LONG * one), 1, 0.01);
    for (int i = LONG; i-- > 0;)
        end(id[i]);
    stop();
}

TEST(an_estimate_says_what_a_submit_would_take)
{
    struct job_estimate idle = {0}, busy = {0};
    struct job_request *request;
    char id[RANDOM_ID_SIZE];
    struct ltd_error err;
    struct job_queue_view queue;
    double step_s;

    REQUIRE(start(1, 4, STEP_MS));
    step_s = warm_up();
    request = new_request("x", MANY_STEPS, 1);
    CHECK_INT(jobs_estimate(jobs, request, &idle, &err), LTD_OK);
    CHECK(idle.wait_s == 0);
    CHECK_NEAR(idle.seconds / (MANY_STEPS * step_s), 1, 0.01);
    CHECK_INT(idle.scratch_bytes, 16 * 16);
    CHECK_INT(idle.position, 0);
    CHECK_INT(submit("x", MANY_STEPS, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(jobs_estimate(jobs, request, &busy, &err), LTD_OK);
    CHECK_NEAR(busy.wait_s / eta_of(id), 1, 0.1);
    CHECK_INT(busy.position, 1);
    jobs_queue(jobs, &queue);
    CHECK_INT(queue.waiting, 0);
    end(id);
    job_request_unref(request);
    stop();
}
