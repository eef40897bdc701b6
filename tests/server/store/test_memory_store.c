#include "store/memory_store.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static struct memory_store_limits limits = {
    .waiting = 3, .keep_s = 1000, .keep_bytes = 1 << 20, .remembered = 100, .remember_s = 1000};

static struct job_store *store;

static struct job_request *new_request(size_t bytes)
{
    struct job_request *request = job_request_new();

    if (request && (request->prompt = calloc(1, bytes + 1)))
        memset(request->prompt, 'x', bytes);
    return request;
}

/* Adds *entry with a prompt of `bytes` bytes. */
static enum ltd_status add_entry(struct job_entry entry, size_t bytes, struct job_added *out)
{
    enum ltd_status st;

    entry.request = new_request(bytes);
    st = store->ops->add(store, &entry, 1, out, NULL);
    job_request_unref(entry.request);
    return st;
}

/* Adds a job whose prompt has `bytes` bytes; the status of add. */
static enum ltd_status add(char id[RANDOM_ID_SIZE], size_t bytes)
{
    struct job_added added;
    const enum ltd_status st = add_entry((struct job_entry){0}, bytes, &added);

    if (st == LTD_OK)
        memcpy(id, added.id, RANDOM_ID_SIZE);
    return st;
}

static void claim(char id[RANDOM_ID_SIZE])
{
    struct job_record job;

    id[0] = '\0';
    if (!store->ops->claim(store, &job))
        return;
    memcpy(id, job.id, sizeof job.id);
    job_record_fini(&job);
}

/* Ends a running job with one picture of `bytes` bytes. */
static void succeed(const char *id, size_t bytes)
{
    struct job_result result = {.state = JOB_SUCCEEDED, .image_count = 1};

    result.images = calloc(1, sizeof *result.images);
    result.images[0].file = blob_take(calloc(1, bytes), bytes);
    store->ops->finish(store, id, &result);
}

/* The state of a job, or -1 when it expired, -2 when it never was. */
static int state(const char *id)
{
    struct job_record job;
    const enum job_found found = store->ops->get(store, id, &job);
    const int answer = found == JOB_FOUND ? (int)job.state : found == JOB_EXPIRED ? -1 : -2;

    if (found == JOB_FOUND)
        job_record_fini(&job);
    return answer;
}

static int position(const char *id)
{
    struct job_record job;
    int answer = -1;

    if (store->ops->get(store, id, &job) == JOB_FOUND) {
        answer = job.position;
        job_record_fini(&job);
    }
    return answer;
}

TEST(the_queue_is_bounded_and_first_in_first_out)
{
    char ids[4][RANDOM_ID_SIZE], got[RANDOM_ID_SIZE];

    store = memory_store_open(&limits);
    REQUIRE(store);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(add(ids[i], 1), LTD_OK);
        CHECK_INT(position(ids[i]), i + 1);
    }
    CHECK_INT(store->ops->limit(store), 3);
    CHECK_INT(add(ids[3], 1), LTD_EFULL);
    for (int i = 0; i < 3; i++) {
        char next[RANDOM_ID_SIZE];

        CHECK(store->ops->peek(store, next));
        CHECK_STR(next, ids[i]);
        claim(got);
        CHECK_STR(got, ids[i]);
        CHECK_INT(state(ids[i]), JOB_RUNNING);
        CHECK_INT(position(ids[i]), 0);
    }
    claim(got);
    CHECK_STR(got, "");
    CHECK(!store->ops->peek(store, got));
    CHECK_INT(store->ops->count(store).running, 3);
    store->ops->close(store);
}

TEST(a_waiting_job_can_be_canceled_once_and_a_running_one_not)
{
    char ids[3][RANDOM_ID_SIZE], got[RANDOM_ID_SIZE];
    const struct ltd_error reason = {LTD_ECANCELED, "canceled"};
    struct job_record job;

    store = memory_store_open(&limits);
    REQUIRE(store);
    for (int i = 0; i < 3; i++)
        CHECK_INT(add(ids[i], 1), LTD_OK);
    claim(got);
    CHECK(!store->ops->end_waiting(store, ids[0], JOB_CANCELED, &reason));
    CHECK(store->ops->end_waiting(store, ids[1], JOB_CANCELED, &reason));
    CHECK(!store->ops->end_waiting(store, ids[1], JOB_CANCELED, &reason));
    CHECK(!store->ops->end_waiting(store, "00000000000000000000000000000000", JOB_CANCELED, &reason));
    REQUIRE(store->ops->get(store, ids[1], &job) == JOB_FOUND);
    CHECK_INT(job.state, JOB_CANCELED);
    CHECK_INT(job.result.error.status, LTD_ECANCELED);
    job_record_fini(&job);
    CHECK_INT(position(ids[2]), 1);
    claim(got);
    CHECK_STR(got, ids[2]);
    store->ops->close(store);
}

TEST(a_finished_job_keeps_its_pictures_and_is_finished_once)
{
    char id[RANDOM_ID_SIZE];
    struct job_result again = {.state = JOB_FAILED};
    struct job_record job;

    store = memory_store_open(&limits);
    REQUIRE(store);
    CHECK_INT(add(id, 1), LTD_OK);
    claim(id);
    succeed(id, 10);
    store->ops->finish(store, id, &again);
    REQUIRE(store->ops->get(store, id, &job) == JOB_FOUND);
    store->ops->close(store); /* what was handed out lives on */
    CHECK_INT(job.state, JOB_SUCCEEDED);
    CHECK_INT(job.result.image_count, 1);
    CHECK_INT(blob_size(job.result.images[0].file), 10);
    CHECK(job.created_ms > 0 && job.started_ms >= job.created_ms && job.ended_ms >= job.started_ms);
    job_record_fini(&job);
}

TEST(finished_jobs_expire_by_age_and_are_then_forgotten)
{
    struct memory_store_limits brief = limits;
    char id[RANDOM_ID_SIZE], waiting[RANDOM_ID_SIZE];

    brief.keep_s = 0.05;
    brief.remember_s = 0.05;
    store = memory_store_open(&brief);
    REQUIRE(store);
    CHECK_INT(add(id, 1), LTD_OK);
    claim(id);
    CHECK_INT(add(waiting, 1), LTD_OK);
    succeed(id, 10);
    CHECK_INT(state(id), JOB_SUCCEEDED);
    usleep(60000);
    CHECK_INT(state(id), -1);
    usleep(60000);
    CHECK_INT(state(id), -2);
    CHECK_INT(state(waiting), JOB_QUEUED); /* only what has ended grows old */
    store->ops->close(store);
}

TEST(the_oldest_finished_jobs_make_room)
{
    struct memory_store_limits small = limits;
    char ids[3][RANDOM_ID_SIZE], last[RANDOM_ID_SIZE];

    small.keep_bytes = 100000;
    store = memory_store_open(&small);
    REQUIRE(store);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(add(ids[i], 1), LTD_OK);
        claim(ids[i]);
        succeed(ids[i], 40000);
    }
    CHECK_INT(state(ids[0]), -1);
    CHECK_INT(state(ids[1]), JOB_SUCCEEDED);
    CHECK_INT(state(ids[2]), JOB_SUCCEEDED);
    CHECK_INT(add(last, 50000), LTD_OK);
    CHECK_INT(state(ids[1]), -1);
    CHECK_INT(state(ids[2]), JOB_SUCCEEDED);
    CHECK_INT(add(ids[0], 60000), LTD_EFULL); /* the waiting one has the room */
    CHECK_INT(state(last), JOB_QUEUED);
    store->ops->close(store);
}

TEST(a_job_that_just_ended_is_kept_however_large_it_is)
{
    struct memory_store_limits small = limits;
    char ids[2][RANDOM_ID_SIZE];

    small.keep_bytes = 100000;
    small.fresh_s = 0.05;
    store = memory_store_open(&small);
    REQUIRE(store);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(add(ids[i], 1), LTD_OK);
        claim(ids[i]);
        if (i == 0)
            succeed(ids[i], 150000);
    }
    CHECK_INT(state(ids[0]), JOB_SUCCEEDED);
    usleep(60000);
    succeed(ids[1], 150000);
    CHECK_INT(state(ids[0]), -1);
    CHECK_INT(state(ids[1]), JOB_SUCCEEDED);
    usleep(60000);
    CHECK_INT(state(ids[1]), -1);
    store->ops->close(store);
}

TEST(a_refused_request_costs_no_finished_job)
{
    struct memory_store_limits small = limits;
    char done[RANDOM_ID_SIZE], other[RANDOM_ID_SIZE], refused[RANDOM_ID_SIZE];

    small.keep_bytes = 100000;
    store = memory_store_open(&small);
    REQUIRE(store);
    CHECK_INT(add(done, 1), LTD_OK);
    claim(done);
    succeed(done, 40000);
    CHECK_INT(add(refused, 100000), LTD_ETOOBIG); /* it would never fit: no use in trying again */
    CHECK_INT(state(done), JOB_SUCCEEDED);
    CHECK_INT(add(other, 50000), LTD_OK);
    CHECK_INT(add(refused, 60000), LTD_EFULL);
    CHECK_INT(state(done), JOB_SUCCEEDED);
    CHECK_INT(state(other), JOB_QUEUED);
    store->ops->close(store);
}

TEST(a_finished_job_keeps_the_pixels_that_it_was_sent_and_they_count)
{
    struct memory_store_limits small = limits;
    char ids[3][RANDOM_ID_SIZE];
    struct job_record job;

    small.keep_bytes = 120000;
    store = memory_store_open(&small);
    REQUIRE(store);
    for (int i = 0; i < 3; i++) {
        struct job_entry entry = {.request = job_request_new()};
        struct job_added added;

        REQUIRE(entry.request && ltd_image_new(128, 128, &entry.request->image, NULL) == LTD_OK);
        entry.request->params.init_image = entry.request->image;
        CHECK_INT(store->ops->add(store, &entry, 1, &added, NULL), LTD_OK);
        job_request_unref(entry.request);
        claim(ids[i]);
        succeed(ids[i], 100);
    }
    CHECK_INT(state(ids[0]), -1);
    REQUIRE(store->ops->get(store, ids[1], &job) == JOB_FOUND);
    CHECK(job.request->image->pixels != NULL);
    job_record_fini(&job);
    store->ops->close(store);
}

TEST(only_so_many_expired_ids_are_remembered)
{
    struct memory_store_limits few = limits;
    char ids[5][RANDOM_ID_SIZE];

    few.keep_s = 0;
    few.remembered = 2;
    store = memory_store_open(&few);
    REQUIRE(store);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(add(ids[i], 1), LTD_OK);
        claim(ids[i]);
        succeed(ids[i], 1);
    }
    for (int i = 0; i < 5; i++)
        CHECK_INT(state(ids[i]), i < 3 ? -2 : -1);
    store->ops->close(store);
}
