#include "jobs/jobs.h"

#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "fake_engine.h"
#include "jobs_fixture.h"
#include "util/clock.h"

TEST(a_job_makes_its_pictures_with_the_seeds_that_follow)
{
    char id[RANDOM_ID_SIZE];
    struct job_view job;

    REQUIRE(start(1, 4, 0));
    CHECK_INT(submit("x", 3, 3, id), LTD_OK);
    CHECK_INT(wait_for(id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    REQUIRE(jobs_get(jobs, id, &job) == JOB_FOUND);
    CHECK_INT(job.record.result.image_count, 3);
    for (int i = 0; i < job.record.result.image_count; i++)
        CHECK_INT(job.record.result.images[i].seed, 40 + i);
    job_record_fini(&job.record);
    stop();
    CHECK_INT(atomic_load(&notified), 1);
}

TEST(a_failed_job_says_why_and_the_worker_goes_on)
{
    char id[RANDOM_ID_SIZE], next[RANDOM_ID_SIZE];
    struct job_view job;

    REQUIRE(start(1, 4, 0));
    CHECK_INT(submit("non_finite", 3, 1, id), LTD_OK);
    CHECK_INT(submit("x", 3, 1, next), LTD_OK);
    CHECK_INT(wait_for(id, JOB_FAILED), JOB_FAILED);
    REQUIRE(jobs_get(jobs, id, &job) == JOB_FOUND);
    CHECK_INT(job.record.result.error.status, LTD_ENONFINITE);
    CHECK_INT(job.record.result.image_count, 0);
    job_record_fini(&job.record);
    CHECK_INT(wait_for(next, JOB_SUCCEEDED), JOB_SUCCEEDED);
    stop();
}

TEST(a_full_queue_refuses_and_tells_when_to_come_back)
{
    char ids[4][RANDOM_ID_SIZE];

    REQUIRE(start(1, 2, 1000));
    CHECK_INT(submit("x", 100, 1, ids[0]), LTD_OK);
    CHECK_INT(wait_for(ids[0], JOB_RUNNING), JOB_RUNNING);
    CHECK(!jobs_are_full(jobs));
    CHECK_INT(submit("x", 1, 1, ids[1]), LTD_OK);
    CHECK_INT(submit("x", 1, 1, ids[2]), LTD_OK);
    CHECK(jobs_are_full(jobs));
    CHECK_INT(submit("x", 1, 1, ids[3]), LTD_EFULL);
    CHECK(jobs_retry_after(jobs) >= 1);
    stop();
    CHECK_INT(atomic_load(&notified), 3);
}

TEST(canceling_ends_a_waiting_job_at_once_and_a_running_one_soon)
{
    char running[RANDOM_ID_SIZE], waiting[RANDOM_ID_SIZE];
    double start_s;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit("x", 100, 1, running), LTD_OK);
    CHECK_INT(submit("x", 100, 1, waiting), LTD_OK);
    CHECK_INT(wait_for(running, JOB_RUNNING), JOB_RUNNING);
    jobs_cancel(jobs, waiting);
    CHECK_INT(state_of(waiting), JOB_CANCELED);
    CHECK_INT(atomic_load(&notified), 1);
    start_s = clock_monotonic();
    jobs_cancel(jobs, running);
    CHECK_INT(wait_for(running, JOB_CANCELED), JOB_CANCELED);
    CHECK(clock_monotonic() - start_s < 0.5);
    jobs_cancel(jobs, running);
    jobs_cancel(jobs, "00000000000000000000000000000000");
    jobs_cancel(jobs, "no id");
    stop();
    CHECK_INT(atomic_load(&notified), 2);
}

TEST(the_job_after_a_canceled_one_runs)
{
    char first[RANDOM_ID_SIZE], second[RANDOM_ID_SIZE];

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit("x", 100, 1, first), LTD_OK);
    CHECK_INT(wait_for(first, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(submit("x", 2, 1, second), LTD_OK);
    jobs_cancel(jobs, first);
    /* Not before: without its waits the first job could end of itself. */
    atomic_store(&fake_engine_step_ms, 0);
    CHECK_INT(wait_for(second, JOB_SUCCEEDED), JOB_SUCCEEDED);
    CHECK_INT(state_of(first), JOB_CANCELED);
    stop();
}

TEST(as_many_jobs_run_at_a_time_as_there_are_workers)
{
    char ids[8][RANDOM_ID_SIZE];

    REQUIRE(start(3, 8, 5));
    for (int i = 0; i < 8; i++)
        CHECK_INT(submit("x", 4, 1, ids[i]), LTD_OK);
    for (int i = 0; i < 8; i++)
        CHECK_INT(wait_for(ids[i], JOB_SUCCEEDED), JOB_SUCCEEDED);
    CHECK_INT(atomic_load(&fake_engine_most_running), 3);
    stop();
}

TEST(draining_runs_what_waits_and_takes_nothing_new)
{
    char ids[3][RANDOM_ID_SIZE], late[RANDOM_ID_SIZE];

    REQUIRE(start(1, 8, 2));
    for (int i = 0; i < 3; i++)
        CHECK_INT(submit("x", 4, 1, ids[i]), LTD_OK);
    jobs_refuse(jobs);
    CHECK_INT(submit("x", 4, 1, late), LTD_ECLOSED);
    for (int i = 0; i < 3; i++)
        CHECK_INT(wait_for(ids[i], JOB_SUCCEEDED), JOB_SUCCEEDED);
    while (!jobs_are_idle(jobs))
        usleep(500);
    stop();
}

TEST(stopping_cancels_all_and_notifies_each_waiter_once)
{
    char ids[6][RANDOM_ID_SIZE];
    struct job_view job;

    REQUIRE(start(2, 8, 1000));
    for (int i = 0; i < 6; i++)
        CHECK_INT(submit("x", 100, 1, ids[i]), LTD_OK);
    CHECK_INT(wait_for(ids[1], JOB_RUNNING), JOB_RUNNING);
    jobs_stop(jobs);
    CHECK_INT(atomic_load(&notified), 6);
    for (int i = 0; i < 6; i++) {
        REQUIRE(jobs_get(jobs, ids[i], &job) == JOB_FOUND);
        CHECK_INT(job.record.state, JOB_CANCELED);
        CHECK_INT(job.record.result.error.status, LTD_ECLOSED);
        job_record_fini(&job.record);
    }
    stop();
}

static void *hammer(void *arg)
{
    char id[RANDOM_ID_SIZE];

    (void)arg;
    for (int i = 0; i < 50; i++) {
        if (submit("x", 1, 1, id) == LTD_OK && i % 3 == 0)
            jobs_cancel(jobs, id);
    }
    return NULL;
}

/* A push between the closing of the queue and the end of the workers must not be accepted and forgotten. */
TEST(every_accepted_job_notifies_while_threads_push_during_the_stop)
{
    pthread_t threads[4];
    struct job_counts left;

    REQUIRE(start(2, 16, 0));
    for (size_t i = 0; i < COUNT(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, hammer, NULL) == 0);
    usleep(2000);
    jobs_stop(jobs);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    left = store->ops->count(store);
    CHECK_INT(left.waiting, 0);
    CHECK_INT(left.running, 0);
    stop();
}
