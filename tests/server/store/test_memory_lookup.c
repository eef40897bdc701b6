#include "store/memory_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "util/clock.h"

static const struct memory_store_limits limits = {
    .waiting = 4, .keep_s = 1000, .keep_bytes = 1 << 24, .remembered = 100, .remember_s = 1000};

static const char id_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", id_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                  id_f[] = "ffffffffffffffffffffffffffffffff";
static const uint8_t one[SHA256_SIZE] = {1}, two[SHA256_SIZE] = {2};

static struct job_store *store;

static struct job_request *new_request(const char *tag, enum job_family family)
{
    struct job_request *request = job_request_new();

    request->prompt = strdup("x");
    request->family = family;
    if (tag)
        job_request_tag(request, tag);
    return request;
}

static enum ltd_status add(struct job_entry entry, struct job_added *out)
{
    enum ltd_status st;

    entry.request = new_request(NULL, JOB_NATIVE);
    st = store->ops->add(store, &entry, 1, out, NULL);
    job_request_unref(entry.request);
    return st;
}

/* Runs the job that has waited longest. */
static void run_next(enum job_state state)
{
    struct job_result result = {.state = state};
    struct job_record job;

    REQUIRE(store->ops->claim(store, &job));
    store->ops->finish(store, job.id, &result);
    job_record_fini(&job);
}

TEST(a_chosen_id_names_one_request)
{
    struct job_added first, again;

    store = memory_store_open(&limits);
    CHECK_INT(add((struct job_entry){.id = id_a, .fingerprint = one}, &first), LTD_OK);
    CHECK_STR(first.id, id_a);
    CHECK(!first.joined);
    CHECK_INT(add((struct job_entry){.id = id_a, .fingerprint = one}, &again), LTD_OK);
    CHECK(again.joined);
    CHECK_INT(add((struct job_entry){.id = id_a, .fingerprint = two}, &again), LTD_ECONFLICT);
    CHECK_INT(store->ops->count(store).waiting, 1);
    run_next(JOB_FAILED);
    CHECK_INT(add((struct job_entry){.id = id_a, .fingerprint = one}, &again), LTD_OK);
    CHECK(again.joined); /* whatever has become of it */
    CHECK(store->ops->remove(store, id_a));
    CHECK_INT(add((struct job_entry){.id = id_a, .fingerprint = one}, &again), LTD_ECONFLICT);
    store->ops->close(store);
}

TEST(a_key_names_one_request_as_long_as_its_job_is_kept)
{
    struct job_added first, again;

    store = memory_store_open(&limits);
    CHECK_INT(add((struct job_entry){.key = "native:k", .fingerprint = one}, &first), LTD_OK);
    CHECK_INT(add((struct job_entry){.key = "native:k", .fingerprint = one}, &again), LTD_OK);
    CHECK(again.joined);
    CHECK_STR(again.id, first.id);
    CHECK_INT(add((struct job_entry){.key = "native:k", .fingerprint = two}, &again), LTD_ECONFLICT);
    CHECK_INT(add((struct job_entry){.key = "openai:k", .fingerprint = two}, &again), LTD_OK);
    CHECK(!again.joined);
    run_next(JOB_CANCELED);
    CHECK_INT(add((struct job_entry){.key = "native:k", .fingerprint = one}, &again), LTD_OK);
    CHECK_STR(again.id, first.id);
    CHECK(store->ops->remove(store, first.id));
    CHECK_INT(add((struct job_entry){.key = "native:k", .fingerprint = two}, &again), LTD_OK);
    CHECK(!again.joined);
    store->ops->close(store);
}

TEST(a_fingerprint_joins_the_newest_job_that_may_succeed)
{
    struct job_added first, second, again;
    struct job_entry asked = {.fingerprint = one};

    store = memory_store_open(&limits);
    CHECK_INT(add(asked, &first), LTD_OK);
    CHECK_INT(add(asked, &second), LTD_OK);
    CHECK(!second.joined); /* only who wants to joins */
    asked.join = true;
    CHECK_INT(add(asked, &again), LTD_OK);
    CHECK_STR(again.id, second.id);
    run_next(JOB_SUCCEEDED);
    run_next(JOB_FAILED);
    CHECK_INT(add(asked, &again), LTD_OK);
    CHECK_STR(again.id, first.id);
    CHECK(store->ops->remove(store, first.id));
    CHECK_INT(add(asked, &again), LTD_OK);
    CHECK(!again.joined);
    store->ops->close(store);
}

TEST(nobody_joins_a_job_that_is_being_canceled)
{
    struct job_entry asked = {.fingerprint = one, .join = true};
    struct job_added first, again;
    struct job_record job;

    store = memory_store_open(&limits);
    CHECK_INT(add(asked, &first), LTD_OK);
    REQUIRE(store->ops->claim(store, &job));
    store->ops->doom(store, job.id);
    CHECK_INT(add(asked, &again), LTD_OK);
    CHECK(!again.joined);
    job_record_fini(&job);
    store->ops->close(store);
}

TEST(a_batch_is_stored_whole_or_not_at_all)
{
    struct job_entry entries[5];
    struct job_added out[5];
    struct job_counts counts;

    store = memory_store_open(&limits);
    for (int i = 0; i < 5; i++)
        entries[i] = (struct job_entry){new_request(NULL, JOB_NATIVE), NULL, NULL, id_b, NULL, false};
    entries[1].id = id_a;
    entries[1].fingerprint = one;
    entries[3].key = "k";
    entries[3].fingerprint = two;
    CHECK_INT(store->ops->add(store, entries, 5, out, NULL), LTD_EFULL);
    counts = store->ops->count(store);
    CHECK_INT(counts.waiting, 0);
    CHECK_INT(store->ops->find(store, id_a), JOB_UNKNOWN);
    CHECK_INT(store->ops->add(store, entries, 4, out, NULL), LTD_OK);
    for (int i = 0; i < 4; i++) {
        CHECK(!out[i].joined);
        CHECK_INT(store->ops->position(store, out[i].id), i + 1);
    }
    CHECK_INT(store->ops->add(store, &entries[3], 1, out, NULL), LTD_OK);
    CHECK(out[0].joined);
    for (int i = 0; i < 5; i++)
        job_request_unref(entries[i].request);
    store->ops->close(store);
}

TEST(two_of_a_batch_with_one_key_are_one_job)
{
    struct job_entry entries[2] = {{.key = "k", .fingerprint = one}, {.key = "k", .fingerprint = one}};
    struct job_added out[2];

    store = memory_store_open(&limits);
    entries[0].request = entries[1].request = new_request(NULL, JOB_NATIVE);
    CHECK_INT(store->ops->add(store, entries, 2, out, NULL), LTD_OK);
    CHECK_STR(out[0].id, out[1].id);
    CHECK(!out[0].joined && out[1].joined);
    entries[1].fingerprint = two;
    entries[0].key = entries[1].key = "other";
    CHECK_INT(store->ops->add(store, entries, 2, out, NULL), LTD_ECONFLICT);
    CHECK_INT(store->ops->count(store).waiting, 1);
    job_request_unref(entries[0].request);
    store->ops->close(store);
}

/* The ids of a page, as letters: the first of each. */
static void list(struct job_filter filter, size_t room, char *out, bool *more)
{
    struct job_record records[8];
    size_t count = 0;

    CHECK_INT(store->ops->list(store, &filter, records, room, &count, more, NULL), LTD_OK);
    for (size_t i = 0; i < count; i++) {
        out[i] = records[i].id[0];
        job_record_fini(&records[i]);
    }
    out[count] = '\0';
}

TEST(lists_are_newest_first_filtered_and_go_on_behind_a_cursor)
{
    static const char *const tags[] = {"red", "blue", "red", NULL};
    static const enum job_family families[] = {JOB_NATIVE, JOB_OPENAI, JOB_OPENAI, JOB_HF};
    char ids[4][RANDOM_ID_SIZE], got[9];
    struct job_added added;
    bool more;

    store = memory_store_open(&limits);
    for (int i = 0; i < 4; i++) {
        struct job_entry entry = {
            new_request(tags[i], families[i]), ids[i], NULL, i < 2 ? id_b : NULL, one, false};

        memset(ids[i], 'a' + i, RANDOM_ID_SIZE - 1);
        ids[i][RANDOM_ID_SIZE - 1] = '\0';
        CHECK_INT(store->ops->add(store, &entry, 1, &added, NULL), LTD_OK);
        job_request_unref(entry.request);
    }
    run_next(JOB_SUCCEEDED);
    run_next(JOB_FAILED);
    list((struct job_filter){0}, 8, got, &more);
    CHECK_STR(got, "dcba");
    CHECK(!more);
    list((struct job_filter){0}, 3, got, &more);
    CHECK_STR(got, "dcb");
    CHECK(more);
    list((struct job_filter){.cursor = ids[1]}, 3, got, &more);
    CHECK_STR(got, "a");
    CHECK(!more);
    list((struct job_filter){.tag = "red"}, 1, got, &more);
    CHECK_STR(got, "c");
    CHECK(more);
    list((struct job_filter){.tag = "blue"}, 1, got, &more);
    CHECK_STR(got, "b");
    CHECK(!more);
    list((struct job_filter){.group = id_b}, 8, got, &more);
    CHECK_STR(got, "ba");
    list((struct job_filter){.states = 1u << JOB_QUEUED | 1u << JOB_FAILED}, 8, got, &more);
    CHECK_STR(got, "dcb");
    list((struct job_filter){.families = 1u << JOB_OPENAI}, 8, got, &more);
    CHECK_STR(got, "cb");
    CHECK(store->ops->remove(store, ids[1]));
    list((struct job_filter){0}, 8, got, &more);
    CHECK_STR(got, "dca");
    list((struct job_filter){.cursor = ids[1]}, 8, got, &more);
    CHECK_STR(got, "a"); /* the cursor's job may be gone, as long as it is remembered */
    CHECK_INT(
        store->ops->list(store, &(struct job_filter){.cursor = id_f}, NULL, 0, &(size_t){0}, &more, NULL),
        LTD_ENOTFOUND);
    store->ops->close(store);
}

TEST(only_what_has_ended_can_be_removed)
{
    struct job_added added;
    struct job_record job;

    store = memory_store_open(&limits);
    CHECK_INT(add((struct job_entry){0}, &added), LTD_OK);
    CHECK(!store->ops->remove(store, added.id));
    REQUIRE(store->ops->claim(store, &job));
    job_record_fini(&job);
    CHECK(!store->ops->remove(store, added.id));
    store->ops->finish(store, added.id, &(struct job_result){.state = JOB_FAILED});
    CHECK(store->ops->remove(store, added.id));
    CHECK_INT(store->ops->find(store, added.id), JOB_EXPIRED);
    CHECK(!store->ops->remove(store, added.id));
    CHECK_INT(store->ops->find(store, id_a), JOB_UNKNOWN);
    store->ops->close(store);
}

/* Ten thousand adds, with as many gone from the middle as from the front: each place exact, at once. */
TEST(places_stay_exact_in_a_queue_that_is_long_lived)
{
    enum { LONG = 64 };
    struct memory_store_limits wide = limits;
    const struct ltd_error reason = {LTD_ECANCELED, "canceled"};
    char ids[LONG][RANDOM_ID_SIZE];
    struct job_added added;
    size_t count = 0;

    wide.waiting = LONG;
    wide.keep_s = 0;
    store = memory_store_open(&wide);
    for (unsigned round = 0; round < 2000; round++) {
        while (count < LONG) {
            CHECK_INT(add((struct job_entry){0}, &added), LTD_OK);
            memcpy(ids[count++], added.id, RANDOM_ID_SIZE);
        }
        for (unsigned i = 0; i < 4; i++) {
            const size_t gone = i == 0 ? 0 : (round * 7 + i * 13) % count;

            if (gone == 0)
                run_next(JOB_FAILED);
            else
                CHECK(store->ops->end_waiting(store, ids[gone], JOB_CANCELED, &reason));
            count--;
            memmove(ids[gone], ids[gone + 1], (count - gone) * sizeof ids[0]);
        }
        for (size_t i = 0; i < count; i += 5)
            if (store->ops->position(store, ids[i]) != (int)i + 1)
                check_failed(__FILE__, __LINE__, "round %u: place %zu", round, i + 1);
    }
    store->ops->close(store);
}

TEST(a_long_queue_is_as_quick_as_a_short_one)
{
    enum { JOBS = 20000 };
    struct memory_store_limits wide = {JOBS, 1000, (size_t)1 << 30, 0, 100, 1000};
    struct job_added added;
    double start, seconds;

    store = memory_store_open(&wide);
    start = clock_monotonic();
    for (int i = 0; i < JOBS; i++) {
        CHECK_INT(add((struct job_entry){.fingerprint = one}, &added), LTD_OK);
        if (store->ops->position(store, added.id) != i + 1)
            check_failed(__FILE__, __LINE__, "job %d", i);
    }
    seconds = clock_monotonic() - start;
    printf("# %.2f us a job\n", seconds / JOBS * 1e6);
    CHECK(seconds < 5); /* counting one by one, and comparing all that have one fingerprint, takes minutes */
    store->ops->close(store);
}
