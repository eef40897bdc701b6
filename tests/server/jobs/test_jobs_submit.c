#include "jobs/jobs.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fake_engine.h"
#include "jobs_fixture.h"

static const char id_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", id_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
static const uint8_t one[SHA256_SIZE] = {1}, two[SHA256_SIZE] = {2};
static const struct job_watch for_the_end = {.notify = {fixture_notify, NULL, 1}};

TEST(the_same_id_joins_and_another_request_of_it_conflicts)
{
    struct job_submit how = {.id = id_a, .fingerprint = one, .watch = &for_the_end};
    struct job_submitted out;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &out), LTD_OK);
    CHECK_STR(out.id, id_a);
    CHECK(!out.joined);
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &out), LTD_OK);
    CHECK(out.joined);
    how.fingerprint = two;
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &out), LTD_ECONFLICT);
    how.id = "not an id";
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &out), LTD_EINVAL);
    stop();
    CHECK_INT(atomic_load(&notified), 2);
}

TEST(who_joins_a_job_that_has_ended_is_told_at_once)
{
    const struct job_submit how = {.key = "native:1", .fingerprint = one, .watch = &for_the_end};
    struct job_submitted first, again;

    REQUIRE(start(1, 4, 0));
    CHECK_INT(submit_how(new_request("x", 1, 1), how, &first), LTD_OK);
    CHECK_INT(wait_for(first.id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    while (atomic_load(&notified) < 1)
        usleep(500);
    CHECK_INT(submit_how(new_request("x", 1, 1), how, &again), LTD_OK);
    CHECK(again.joined);
    CHECK_STR(again.id, first.id);
    CHECK_INT(atomic_load(&notified), 2);
    stop();
}

TEST(a_job_that_was_canceled_while_it_ran_is_not_joined)
{
    const struct job_submit how = {.fingerprint = one, .join = true};
    struct job_submitted first, second, again;

    REQUIRE(start(1, 4, 1000));
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &first), LTD_OK);
    CHECK_INT(wait_for(first.id, JOB_RUNNING), JOB_RUNNING);
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &again), LTD_OK);
    CHECK(again.joined);
    jobs_cancel(jobs, first.id);
    CHECK_INT(submit_how(new_request("x", 100, 1), how, &second), LTD_OK);
    CHECK(!second.joined);
    stop();
}

TEST(a_batch_goes_in_whole_or_not_at_all)
{
    struct job_request *requests[3];
    struct job_submit how[3] = {{.group = id_b, .watch = &for_the_end},
                                {.group = id_b, .id = id_a, .fingerprint = one, .watch = &for_the_end},
                                {.group = id_b, .watch = &for_the_end}};
    struct job_submitted out[3];
    struct job_queue_view queue;
    struct job_view job;

    REQUIRE(start(1, 2, 1000));
    CHECK_INT(submit("x", 100, 1, (char[RANDOM_ID_SIZE]){0}), LTD_OK);
    do
        jobs_queue(jobs, &queue);
    while (queue.running_count == 0);
    for (int i = 0; i < 3; i++)
        requests[i] = new_request("x", 100, 1);
    CHECK_INT(jobs_submit_many(jobs, requests, how, 3, out, NULL), LTD_EFULL);
    CHECK_INT(jobs_get(jobs, id_a, &job), JOB_UNKNOWN);
    CHECK_INT(jobs_submit_many(jobs, requests, how, 2, out, NULL), LTD_OK);
    CHECK_STR(out[1].id, id_a);
    REQUIRE(jobs_get(jobs, out[0].id, &job) == JOB_FOUND);
    CHECK_STR(job.record.group, id_b);
    job_record_fini(&job.record);
    jobs_queue(jobs, &queue);
    CHECK_INT(queue.waiting, 2);
    CHECK_INT(queue.limit, 2);
    CHECK_INT(queue.workers, 1);
    CHECK_INT(queue.running_count, 1);
    for (int i = 0; i < 3; i++)
        job_request_unref(requests[i]);
    stop();
    CHECK_INT(atomic_load(&notified), 3);
}

TEST(a_retry_draws_the_same_again_once_the_job_has_ended)
{
    struct job_request *request;
    struct job_submitted first, again;
    enum job_found found;
    struct job_view a, b;

    REQUIRE(start(1, 4, 1000));
    request = new_request("x", 3, 2);
    REQUIRE(ltd_image_new(16, 16, &request->image, NULL) == LTD_OK);
    request->params.init_image = request->image;
    CHECK_INT(submit_how(request, (struct job_submit){0}, &first), LTD_OK);
    CHECK_INT(jobs_retry(jobs, first.id, &(struct job_submit){0}, &again, &found, NULL), LTD_ECONFLICT);
    CHECK_INT(found, JOB_FOUND);
    atomic_store(&fake_engine_step_ms, 0);
    CHECK_INT(wait_for(first.id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    CHECK_INT(jobs_retry(jobs, first.id, &(struct job_submit){0}, &again, &found, NULL), LTD_OK);
    CHECK(strcmp(first.id, again.id) != 0);
    CHECK_INT(wait_for(again.id, JOB_SUCCEEDED), JOB_SUCCEEDED);
    REQUIRE(jobs_get(jobs, first.id, &a) == JOB_FOUND && jobs_get(jobs, again.id, &b) == JOB_FOUND);
    CHECK(a.record.request == b.record.request && a.record.request->image->pixels);
    for (int i = 0; i < 2; i++) {
        char digest[SHA256_TEXT_SIZE];

        CHECK_STR(a.record.result.images[i].sha256, b.record.result.images[i].sha256);
        sha256_text(blob_data(a.record.result.images[i].file), blob_size(a.record.result.images[i].file),
                    digest);
        CHECK_STR(a.record.result.images[i].sha256, digest);
        CHECK_INT(a.record.result.images[i].width, 16);
        CHECK_INT(a.record.result.images[i].height, 16);
    }
    CHECK(strcmp(a.record.result.images[0].sha256, a.record.result.images[1].sha256) != 0);
    job_record_fini(&a.record);
    job_record_fini(&b.record);
    CHECK_INT(jobs_retry(jobs, id_b, &(struct job_submit){0}, &again, &found, NULL), LTD_ENOTFOUND);
    CHECK_INT(found, JOB_UNKNOWN);
    stop();
}

TEST(lists_show_how_far_running_jobs_are)
{
    char running[RANDOM_ID_SIZE], waiting[RANDOM_ID_SIZE];
    struct job_view views[4];
    size_t count;
    bool more;

    REQUIRE(start(1, 4, 5));
    CHECK_INT(submit("x", 10000, 1, running), LTD_OK);
    CHECK_INT(submit("x", 10, 1, waiting), LTD_OK);
    CHECK_INT(wait_for(running, JOB_RUNNING), JOB_RUNNING);
    usleep(50000);
    CHECK_INT(jobs_list(jobs, &(struct job_filter){0}, views, 4, &count, &more, NULL), LTD_OK);
    REQUIRE(count == 2);
    CHECK_STR(views[0].record.id, waiting);
    CHECK_INT(views[0].record.position, 1);
    CHECK_STR(views[1].record.id, running);
    CHECK(views[1].progress.step > 0);
    CHECK(views[1].last_event > 3);
    for (size_t i = 0; i < count; i++)
        job_record_fini(&views[i].record);
    stop();
}

struct counts {
    int created, refused, started, ended, steps;
    double run_s;
};

static void on_created(void *self, const struct job_record *job)
{
    CHECK(job->request != NULL);
    ((struct counts *)self)->created++;
}

static void on_refused(void *self, enum ltd_status why)
{
    CHECK_INT(why, LTD_ECONFLICT);
    ((struct counts *)self)->refused++;
}

static void on_started(void *self, const struct job_record *job)
{
    CHECK_INT(job->state, JOB_RUNNING);
    ((struct counts *)self)->started++;
}

static void on_ended(void *self, const struct job_record *job, double run_s)
{
    struct counts *counts = self;

    CHECK(job_state_is_final(job->state) && job->request);
    CHECK_INT(job->result.image_count, job->state == JOB_SUCCEEDED ? 2 : 0);
    counts->ended++;
    counts->run_s += run_s;
}

static void on_step(void *self, double seconds)
{
    CHECK(seconds >= 0);
    ((struct counts *)self)->steps++;
}

TEST(observers_see_every_job_once)
{
    struct counts counts = {0};
    const struct job_observer observer = {&counts, on_created, on_refused, on_started, on_ended, on_step};
    const struct job_submit how = {.id = id_a, .fingerprint = one};
    struct job_submitted out;
    char waiting[RANDOM_ID_SIZE];

    REQUIRE(start(1, 4, 20));
    jobs_observe(jobs, &observer);
    CHECK_INT(submit_how(new_request("x", 3, 2), how, &out), LTD_OK);
    CHECK_INT(submit_how(new_request("x", 3, 2), how, &out), LTD_OK); /* joins: not counted */
    CHECK_INT(submit_how(new_request("x", 3, 2), (struct job_submit){.id = id_a, .fingerprint = two}, &out),
              LTD_ECONFLICT);
    CHECK_INT(submit("x", 3, 2, waiting), LTD_OK);
    jobs_cancel(jobs, waiting);
    CHECK_INT(wait_for(id_a, JOB_SUCCEEDED), JOB_SUCCEEDED);
    jobs_stop(jobs);
    CHECK_INT(counts.created, 2);
    CHECK_INT(counts.refused, 1);
    CHECK_INT(counts.started, 1);
    CHECK_INT(counts.ended, 2);
    CHECK_INT(counts.steps, 6);
    CHECK(counts.run_s > 0.1 && counts.run_s < 10);
    stop();
}
