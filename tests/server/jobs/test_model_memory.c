/* test_model_memory.c - which models are loaded: the ones in use, and of the others what there is room for.
 */
#include "jobs/model_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"
#include "fake_engine.h"

enum { MODELS = 4, THREADS = 4, ROUNDS = 200 };

static struct model_set set;

static bool begin(uint64_t memory)
{
    static const char *const names[MODELS] = {"a", "b", "c", "d"};
    struct ltd_error error;

    set = (struct model_set){.memory = memory};
    for (int i = 0; i < MODELS; i++)
        if (model_set_open(&set, names[i], names[i], &error) != LTD_OK)
            return false;
    atomic_store(&fake_engine_load_ms, 0);
    return true;
}

/* Nothing is left. */
static void end(void)
{
    model_set_fini(&set);
    CHECK_INT(atomic_load(&fake_engine_models), 0);
    CHECK_INT(atomic_load(&fake_engine_looks), 0);
}

static bool take(size_t index)
{
    const struct ltd_model *model = NULL;
    struct ltd_error error;

    return model_set_take(&set, index, &model, &error) == LTD_OK && model;
}

static bool use(size_t index)
{
    const bool taken = take(index);

    if (taken)
        model_set_release(&set, index);
    return taken;
}

/* The loaded ones by their letters. */
static const char *loaded(void)
{
    static char letters[MODELS + 1];
    size_t count = 0;

    for (size_t i = 0; i < MODELS; i++)
        if (model_set_is_loaded(&set, i))
            letters[count++] = set.items[i].name[0];
    letters[count] = '\0';
    return letters;
}

TEST(nothing_is_loaded_before_a_job_and_everything_stays_where_there_is_no_limit)
{
    struct model_counts counts;

    REQUIRE(begin(0));
    CHECK_STR(loaded(), "");
    CHECK(use(2) && use(0) && use(3) && use(2));
    CHECK_STR(loaded(), "acd");
    model_set_count(&set, &counts);
    CHECK_INT(counts.loaded, 3);
    CHECK_INT(counts.bytes, 3 * FAKE_ENGINE_MODEL_BYTES);
    CHECK_INT(counts.loads, 3);
    CHECK_INT(counts.unloads, 0);
    end();
}

TEST(the_one_that_was_not_used_the_longest_goes_first)
{
    REQUIRE(begin(2 * FAKE_ENGINE_MODEL_BYTES));
    CHECK(use(0) && use(1));
    CHECK_STR(loaded(), "ab");
    CHECK(use(0) && use(2));
    CHECK_STR(loaded(), "ac");
    CHECK(use(3));
    CHECK_STR(loaded(), "cd");
    CHECK_INT(atomic_load(&fake_engine_models), 2);
    end();
}

TEST(one_that_is_in_use_stays_and_goes_when_it_is_released)
{
    REQUIRE(begin(FAKE_ENGINE_MODEL_BYTES));
    CHECK(take(0) && take(0) && take(1));
    CHECK_STR(loaded(), "ab");
    model_set_release(&set, 0);
    CHECK_STR(loaded(), "ab");
    model_set_release(&set, 0);
    CHECK_STR(loaded(), "b");
    model_set_unload(&set, 1);
    CHECK_STR(loaded(), "b");
    model_set_release(&set, 1);
    CHECK_STR(loaded(), "b");
    model_set_unload(&set, 1);
    model_set_unload(&set, 2);
    CHECK_STR(loaded(), "");
    end();
}

TEST(one_that_is_larger_than_the_memory_is_served_alone)
{
    struct model_counts counts;

    REQUIRE(begin(1));
    CHECK(use(0) && use(0));
    CHECK_STR(loaded(), "a");
    CHECK(use(1) && use(0));
    CHECK_STR(loaded(), "a");
    model_set_count(&set, &counts);
    CHECK_INT(counts.loads, 3);
    CHECK_INT(counts.unloads, 2);
    end();
}

TEST(what_fails_to_load_counts_for_nothing_and_is_tried_again)
{
    const struct ltd_model *model = NULL;
    struct ltd_error error;
    struct model_counts counts;

    REQUIRE(begin(FAKE_ENGINE_MODEL_BYTES));
    REQUIRE(model_set_open(&set, "e", "/folder/broken/e", &error) == LTD_OK);
    REQUIRE(model_set_add(&set, "f", "/folder/unreadable", &error) == LTD_OK);
    CHECK(use(0));
    for (int i = 0; i < 2; i++) {
        CHECK(model_set_take(&set, MODELS, &model, &error) == LTD_EFORMAT);
        CHECK_STR(error.message, "e: no model of this engine"); /* and not where it lies */
    }
    CHECK(!model_set_shapes(&set, MODELS + 1));
    CHECK(model_set_take(&set, MODELS + 1, &model, &error) == LTD_EFORMAT);
    CHECK(!model && !model_set_shapes(&set, MODELS + 1));
    model_set_count(&set, &counts);
    CHECK_INT(counts.failures, 2);
    CHECK_INT(counts.bytes, 0); /* the first one had to go */
    CHECK(use(0));
    end();
}

static void *use_many(void *arg)
{
    unsigned random = *(const unsigned *)arg;

    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525u + 1013904223u;
        CHECK(use(random >> 16 & 3));
    }
    return NULL;
}

TEST(many_threads_load_and_unload_beside_each_other)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS] = {1, 2, 3, 4};
    struct model_counts counts;

    REQUIRE(begin(FAKE_ENGINE_MODEL_BYTES));
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, use_many, &seeds[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    model_set_count(&set, &counts);
    CHECK_INT(counts.loaded, 1);
    CHECK_INT(counts.bytes, FAKE_ENGINE_MODEL_BYTES);
    CHECK_INT(counts.loads, counts.unloads + 1);
    CHECK_INT(atomic_load(&fake_engine_models), 1);
    end();
}

static void *use_first(void *arg)
{
    (void)arg;
    CHECK(use(0));
    return NULL;
}

TEST(who_asks_while_a_model_is_being_loaded_waits_for_it)
{
    pthread_t threads[THREADS];
    struct model_counts counts;

    REQUIRE(begin(0));
    atomic_store(&fake_engine_load_ms, 50);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, use_first, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    model_set_count(&set, &counts);
    CHECK_INT(counts.loads, 1);
    end();
}

static atomic_int asked;

static void on_read(void *arg, size_t index)
{
    (void)arg;
    CHECK_INT(index, 0);
    atomic_fetch_add(&asked, 1);
}

static void *ask_first(void *arg)
{
    const struct ltd_model *model = NULL;
    struct ltd_error error;

    (void)arg;
    CHECK(model_set_ask(&set, 0, &model, &error) == LTD_OK && model == model_set_shapes(&set, 0));
    return NULL;
}

TEST(a_model_is_opened_once_when_it_is_asked_for_first)
{
    pthread_t threads[THREADS];
    struct ltd_error error;

    set = (struct model_set){.on_read = on_read};
    atomic_store(&asked, 0);
    REQUIRE(model_set_add(&set, "a", "anywhere", &error) == LTD_OK);
    CHECK(!model_set_shapes(&set, 0));
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, ask_first, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&asked), 1);
    CHECK_INT(atomic_load(&fake_engine_looks), 1);
    end();
}

TEST(requests_that_may_name_a_model_that_is_not_open_are_told)
{
    struct ltd_error error;

    set = (struct model_set){0};
    REQUIRE(model_set_open(&set, "first", "x", &error) == LTD_OK);
    CHECK(!model_set_may_ask(&set, "{\"model\": \"fi\\u0072st\"}", 23));
    REQUIRE(model_set_add(&set, "sd-1.5", "y", &error) == LTD_OK);
    CHECK(!model_set_may_ask(&set, NULL, 0));
    CHECK(!model_set_may_ask(&set, "{\"model\": \"first\"}", 18));
    CHECK(model_set_may_ask(&set, "{\"model\": \"sd-1.5\"}", 19));
    CHECK(model_set_may_ask(&set, "{\"model\": \"sd-1\\u002e5\"}", 24));
    end();
}

TEST(the_default_model_can_be_chosen_and_a_model_left_out)
{
    REQUIRE(begin(0));
    model_set_put_first(&set, 2);
    model_set_remove(&set, 1);
    CHECK_INT(set.count, 3);
    CHECK_STR(set.items[0].name, "c");
    CHECK_STR(set.items[1].name, "b");
    CHECK_STR(set.items[2].name, "d");
    CHECK_INT(model_set_find(&set, "a"), -1);
    end();
}
