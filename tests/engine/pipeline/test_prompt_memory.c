/* test_prompt_memory.c - prompts that were encoded before: the same pictures, found by what makes them. */
#include "pipeline/prompt_memory.h"

#include <latentd/session.h>

#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "random_values.h"
#include "sessions.h"

#define MODEL "models/default"

enum { TOKENS = 3, CHANNELS = 4 };

/* ids_2: of a second text encoder, or NULL. */
static void remember(struct value_cache *memory, int32_t id, const int32_t *ids_2, size_t skip, uint64_t seed)
{
    const int32_t ids[TOKENS] = {1, id, 2};
    const struct prompt_row row = {ids, ids_2, TOKENS, skip};
    struct tensor context = random_tensor(seed, 1, TOKENS, 1, CHANNELS);

    prompt_remember(memory, &row, context);
    free(context.data);
}

/* Is what was made with this seed remembered?  Fails the test when it is something else. */
static bool recalls(struct value_cache *memory, int32_t id, const int32_t *ids_2, size_t skip, uint64_t seed)
{
    const int32_t ids[TOKENS] = {1, id, 2};
    const struct prompt_row row = {ids, ids_2, TOKENS, skip};
    const struct cached_value *found = prompt_recall(memory, &row);
    struct tensor want = random_tensor(seed, 1, TOKENS, 1, CHANNELS);
    const size_t bytes = tensor_count(want) * sizeof(float);

    CHECK(!found ||
          (cached_value_size(found) == bytes && memcmp(cached_value_data(found), want.data, bytes) == 0));
    free(want.data);
    value_cache_release(memory, found);
    return found != NULL;
}

TEST(prompts_are_told_apart_by_tokens_and_layers)
{
    struct value_cache *memory = NULL;

    REQUIRE(value_cache_new(1 << 16, &memory, NULL) == LTD_OK);
    remember(memory, 7, NULL, 0, 1);
    CHECK(!recalls(memory, 8, NULL, 0, 1) && !recalls(memory, 7, NULL, 1, 1));
    remember(memory, 8, NULL, 0, 2);
    remember(memory, 7, NULL, 1, 3);
    CHECK(recalls(memory, 7, NULL, 0, 1) && recalls(memory, 8, NULL, 0, 2) && recalls(memory, 7, NULL, 1, 3));
    value_cache_free(memory);
}

TEST(prompts_are_told_apart_by_the_second_tokenizers_ids)
{
    static const int32_t padded[TOKENS] = {1, 7, 2}, marked[TOKENS] = {1, 0, 2};
    struct value_cache *memory = NULL;

    REQUIRE(value_cache_new(1 << 16, &memory, NULL) == LTD_OK);
    remember(memory, 7, padded, 0, 1);
    CHECK(!recalls(memory, 7, NULL, 0, 1) && !recalls(memory, 7, marked, 0, 1));
    remember(memory, 7, marked, 0, 2);
    CHECK(recalls(memory, 7, padded, 0, 1) && recalls(memory, 7, marked, 0, 2));
    value_cache_free(memory);
}

static struct ltd_gen_params request_of(const struct ltd_model *model)
{
    struct ltd_gen_params p = ltd_params_default(model);

    p.prompt = "oil fox";
    p.steps = 1;
    p.width = p.height = 16;
    return p;
}

/* The picture; *recalled: how many of its prompts were remembered. */
static struct ltd_image *draw(const struct ltd_model *model, const struct ltd_gen_params *p, int *recalled)
{
    struct ltd_session *s = new_session(model, 2);
    struct ltd_gen_report report = {0};
    struct ltd_image *image = NULL;
    struct ltd_error err = {.message = ""};

    if (ltd_session_generate(s, p, 0, NULL, &image, &report, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    CHECK(report.used_bytes == report.planned_bytes);
    *recalled = report.recalled;
    ltd_session_free(s);
    return image;
}

/* Each row: what is asked, and how many of its prompts have been there before. */
TEST(a_prompt_that_is_remembered_gives_the_same_picture)
{
    static const struct {
        const char *prompt, *negative;
        int clip_skip, recalled;
        double cfg_scale;
    } rows[] = {
        {"oil fox", "", 0, 0, 5},    {"oil fox", "", 0, 2, 5},
        {"ink fox", "", 0, 1, 5},    {"oil fox", "", 0, 1, 1},
        {"oil fox", "", 1, 1, 5},    {"oil fox", "ink fox", 1, 2, 5},
        {"oil fox", "hat", 1, 1, 5}, {"a much longer one", "oil fox", 0, 1, 5},
    };
    struct ltd_model *model = open_model(MODEL);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_gen_params p = request_of(model);
        struct ltd_model *fresh = open_model(MODEL);
        struct ltd_image *got, *want;
        int recalled;

        p.prompt = rows[i].prompt;
        p.negative_prompt = rows[i].negative;
        p.clip_skip = rows[i].clip_skip;
        p.cfg_scale = rows[i].cfg_scale;
        got = draw(model, &p, &recalled);
        CHECK_INT(recalled, rows[i].recalled);
        want = draw(fresh, &p, &recalled);
        CHECK_INT(recalled, 0);
        CHECK(same_pixels(got, want));
        ltd_image_free(got);
        ltd_image_free(want);
        ltd_model_close(fresh);
    }
    ltd_model_close(model);
}

static void cancel_at_once(void *arg, enum ltd_phase phase, int done, int total)
{
    (void)phase;
    (void)done;
    (void)total;
    atomic_store((atomic_bool *)arg, true);
}

TEST(what_a_canceled_job_made_of_a_prompt_is_not_remembered)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_session *s = new_session(model, 2);
    const struct ltd_gen_params p = request_of(model);
    atomic_bool cancel = false;
    const struct ltd_watch watch = {.progress = cancel_at_once, .arg = &cancel, .cancel = &cancel};
    struct ltd_image *image = NULL;
    int recalled;

    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_ECANCELED);
    ltd_session_free(s);
    image = draw(model, &p, &recalled);
    CHECK_INT(recalled, 0);
    ltd_image_free(image);
    ltd_model_close(model);
}

struct worker {
    pthread_t thread;
    const struct ltd_model *model;
    int recalled;
};

static void *work(void *arg)
{
    static const char *const prompts[] = {"oil fox", "ink fox", "clay fox"};
    struct worker *w = arg;

    for (size_t i = 0; i < 6; i++) {
        struct ltd_gen_params p = request_of(w->model);
        int recalled;

        p.prompt = prompts[i % COUNT(prompts)];
        ltd_image_free(draw(w->model, &p, &recalled));
        w->recalled += recalled;
    }
    return NULL;
}

TEST(workers_share_what_is_remembered)
{
    struct ltd_model *model = open_model(MODEL);
    struct worker workers[2];

    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i] = (struct worker){.model = model};
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        /* The empty prompt but for the first picture, and all prompts the second time. */
        CHECK(workers[i].recalled >= 8);
    }
    ltd_model_close(model);
}
