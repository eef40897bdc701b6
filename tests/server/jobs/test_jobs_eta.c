/* test_jobs_eta.c - when a job will be done, as the queue says. */
#include "jobs/jobs.h"

#include <math.h>
#include <unistd.h>

#include "check.h"
#include "jobs_fixture.h"
#include "util/clock.h"

/* A step of the stand-in engine, and how far from the truth a time may be told: a busy machine sleeps longer
 * than it is asked to. */
enum { STEP_MS = 20 };
static const double slack_s = 0.25;

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

/* The queue knows from now on how long a step takes. */
static void warm_up(void)
{
    char id[RANDOM_ID_SIZE];

    CHECK_INT(submit("x", 5, 1, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
}

TEST(a_running_job_counts_down)
{
    char id[RANDOM_ID_SIZE];
    double begun, last, eta;

    REQUIRE(start(1, 4, STEP_MS));
    warm_up();
    CHECK_INT(submit("x", 50, 1, id), LTD_OK);
    begun = clock_monotonic();
    CHECK_INT(wait_for(id, JOB_RUNNING), JOB_RUNNING);
    last = eta_of(id);
    CHECK(last > 50 * STEP_MS * 0.8e-3 && last < 50 * STEP_MS * 1e-3 * 1.6);
    while (state_of(id) == JOB_RUNNING) {
        eta = eta_of(id);
        CHECK(eta >= 0 && eta < last + slack_s);
        last = eta;
        usleep(20000);
    }
    CHECK(last < slack_s);
    CHECK(eta_of(id) == 0);
    CHECK(clock_monotonic() - begun > 50 * STEP_MS * 1e-3);
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
    double eta[COUNT(id)], one;
    struct job_queue_view queue;
    struct job_event event;
    bool ended;

    REQUIRE(start(1, 8, STEP_MS));
    warm_up();
    for (size_t i = 0; i < COUNT(id); i++)
        CHECK_INT(submit("x", 100, i == 2 ? 2 : 1, id[i]), LTD_OK);
    CHECK_INT(wait_for(id[0], JOB_RUNNING), JOB_RUNNING);
    for (size_t i = 0; i < COUNT(id); i++)
        eta[i] = eta_of(id[i]);
    one = eta[0];
    CHECK(one > 100 * STEP_MS * 0.7e-3);
    CHECK_NEAR(eta[1] / one, 2, 0.2);
    CHECK_NEAR(eta[2] / one, 4, 0.4); /* it has two images */
    CHECK_NEAR(eta[3] / one, 5, 0.5);
    REQUIRE(jobs_events(jobs, id[3], 0, &event, 1, &ended) == 1);
    CHECK_INT(event.type, JOB_EVENT_QUEUED);
    CHECK_NEAR(event.eta_s / eta[3], 1, 0.1);
    job_event_fini(&event);
    jobs_queue(jobs, &queue);
    CHECK_NEAR(queue.eta_s / eta[3], 1, 0.1);
    CHECK_NEAR(queue.running[0].eta_s / one, 1, 0.1);
    CHECK_INT(jobs_retry_after(jobs), (int)ceil(queue.running[0].eta_s));
    end(id[1]);
    CHECK_NEAR(eta_of(id[3]) / (eta[3] - one), 1, 0.1);
    for (size_t i = 0; i < COUNT(id); i++)
        end(id[i]);
    stop();
}

TEST(workers_share_the_queue)
{
    char id[5][RANDOM_ID_SIZE];
    double one;

    REQUIRE(start(2, 8, STEP_MS));
    warm_up();
    for (size_t i = 0; i < COUNT(id); i++)
        CHECK_INT(submit("x", 100, 1, id[i]), LTD_OK);
    CHECK_INT(wait_for(id[1], JOB_RUNNING), JOB_RUNNING);
    one = eta_of(id[0]);
    CHECK_NEAR(eta_of(id[2]) / one, 2, 0.2);
    CHECK_NEAR(eta_of(id[3]) / one, 2, 0.2);
    CHECK_NEAR(eta_of(id[4]) / one, 3, 0.3);
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

    REQUIRE(start(1, 4, STEP_MS));
    warm_up();
    request = new_request("x", 100, 1);
    CHECK_INT(jobs_estimate(jobs, request, &idle, &err), LTD_OK);
    CHECK(idle.wait_s == 0);
    CHECK_NEAR(idle.seconds, 100 * STEP_MS * 1e-3, 100 * STEP_MS * 0.5e-3);
    CHECK_INT(idle.scratch_bytes, 16 * 16);
    CHECK_INT(idle.position, 0);
    CHECK_INT(submit("x", 100, 1, id), LTD_OK);
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
