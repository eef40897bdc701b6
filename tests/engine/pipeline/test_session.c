/* test_session.c - one worker's generations: the same pixels whatever the surroundings, within the plan. */
#include <latentd/cost.h>
#include <latentd/session.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "random_values.h"
#include "sessions.h"

#define MODEL "models/default"

/* The picture, or NULL after a failed check. */
static struct ltd_image *generate(struct ltd_session *s, const struct ltd_gen_params *p, int index)
{
    struct ltd_image *image = NULL;
    struct ltd_error err = {0};

    if (ltd_session_generate(s, p, index, NULL, &image, NULL, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    return image;
}

static struct ltd_image *generate_alone(const struct ltd_gen_params *p, int threads, int index)
{
    struct ltd_session *s = new_session(default_model(), threads);
    struct ltd_image *image = generate(s, p, index);

    ltd_session_free(s);
    return image;
}

TEST(any_number_of_threads_gives_the_same_pixels)
{
    static const int threads[] = {2, 3, 4, 7};
    struct ltd_gen_params p = small_request();
    struct ltd_image *want, *init;

    p.width = 64;
    p.height = 56;
    init = random_image(1, p.width, p.height);
    for (int from_image = 0; from_image < 2; from_image++) {
        p.init_image = from_image ? init : NULL;
        want = generate_alone(&p, 1, 0);
        for (size_t i = 0; i < COUNT(threads); i++) {
            struct ltd_image *got = generate_alone(&p, threads[i], 0);

            CHECK(same_pixels(got, want));
            ltd_image_free(got);
        }
        ltd_image_free(want);
    }
    ltd_image_free(init);
}

struct worker {
    pthread_t thread;
    struct ltd_gen_params params;
    const struct ltd_image *want;
    int different;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct ltd_session *s = new_session(default_model(), 2);

    for (int i = 0; i < 3; i++) {
        struct ltd_image *image = NULL;

        if (ltd_session_generate(s, &w->params, 0, NULL, &image, NULL, NULL) != LTD_OK ||
            !same_pixels(image, w->want))
            w->different++;
        ltd_image_free(image);
    }
    ltd_session_free(s);
    return NULL;
}

TEST(two_sessions_at_once_draw_what_each_draws_alone)
{
    struct worker workers[2];
    struct ltd_image *want[COUNT(workers)];

    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i] = (struct worker){.params = small_request()};
        workers[i].params.seed += i;
        workers[i].params.width += 16 * (int)i;
        workers[i].want = want[i] = generate_alone(&workers[i].params, 1, 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++)
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    for (size_t i = 0; i < COUNT(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].different, 0);
        ltd_image_free(want[i]);
    }
}

/* How much a step costs is known before it is drawn. */
TEST(every_part_is_a_row_of_the_network)
{
    struct ltd_gen_params p = small_request();
    struct ltd_cost one = {0}, three = {0};

    p.profile = LTD_PROFILE_A1111;
    p.prompt = "a";
    CHECK_INT(ltd_params_cost(default_model(), &p, 1, &one, NULL), LTD_OK);
    p.prompt = "a AND b AND c";
    CHECK_INT(ltd_params_cost(default_model(), &p, 1, &three, NULL), LTD_OK);
    /* Four rows for two, but what they begin alike is done once. */
    CHECK(three.step_flop > 1.9 * one.step_flop && three.step_flop < 2 * one.step_flop);
}

static bool draws_the_same(struct ltd_session *s, const struct ltd_gen_params *p,
                           const struct ltd_gen_params *q)
{
    struct ltd_image *a = generate(s, p, 0), *b = generate(s, q, 0);
    const bool same = same_pixels(a, b);

    ltd_image_free(a);
    ltd_image_free(b);
    return same;
}

TEST(the_grammar_is_the_profiles)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params p = small_request(), q = p;

    p.prompt = "3d (tiger:1.5)";
    q.prompt = "3d tiger";
    CHECK(!draws_the_same(s, &p, &q));
    p.profile = q.profile = LTD_PROFILE_A1111;
    CHECK(!draws_the_same(s, &p, &q));
    p.prompt = "3d (tiger:1.)";
    CHECK(draws_the_same(s, &p, &q));
    p.prompt = "[3d tiger:red apple:1.0]";
    CHECK(draws_the_same(s, &p, &q));
    p.prompt = "[red apple:3d tiger:0]";
    CHECK(draws_the_same(s, &p, &q));
    p.prompt = "3d tiger AND 3d tiger :0";
    CHECK(draws_the_same(s, &p, &q));
    ltd_session_free(s);
}

/* clip_skip is the prompt's alone in one profile, and both prompts' in the other. */
TEST(clip_skip_by_profile)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params p = small_request(), q;

    p.profile = LTD_PROFILE_A1111;
    p.prompt = p.negative_prompt = "3d tiger";
    p.clip_skip = 1;
    q = p;
    q.cfg_scale = 1;
    /* With equal prompts there is nothing to guide to. */
    CHECK(draws_the_same(s, &p, &q));
    p.profile = q.profile = LTD_PROFILE_DIFFUSERS;
    CHECK(!draws_the_same(s, &p, &q));
    ltd_session_free(s);
}

TEST(an_image_of_several_is_the_image_of_its_own_seed)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params several = small_request(), one = several;
    struct ltd_image *last = NULL;

    several.count = 3;
    for (int i = 0; i < several.count; i++) {
        struct ltd_image *got = generate(s, &several, i), *want;

        one.seed = several.seed + (uint64_t)i;
        want = generate(s, &one, 0);
        CHECK(same_pixels(got, want));
        CHECK(!same_pixels(got, last));
        ltd_image_free(want);
        ltd_image_free(last);
        last = got;
    }
    ltd_image_free(last);
    ltd_session_free(s);
}

TEST(an_index_outside_the_request_is_refused)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params p = small_request();
    struct ltd_image *image = NULL;
    struct ltd_error err = {0};

    CHECK_INT(ltd_session_generate(s, &p, 1, NULL, &image, NULL, &err), LTD_EINVAL);
    CHECK_INT(ltd_session_generate(s, &p, -1, NULL, &image, NULL, &err), LTD_EINVAL);
    p.width = 30;
    CHECK_INT(ltd_session_generate(s, &p, 0, NULL, &image, NULL, &err), LTD_EINVAL);
    CHECK(strncmp(err.message, "width: ", 7) == 0);
    CHECK(image == NULL);
    ltd_session_free(s);
}

/* Notes what a watcher is told, and cancels at one phase and step. */
struct watched {
    atomic_bool cancel;
    enum ltd_phase at;
    int step;
    int begun[LTD_PHASE_DECODE + 1], steps, total, after;
};

static void watch_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    struct watched *w = arg;

    w->after += atomic_load(&w->cancel);
    if (done == 0)
        w->begun[phase]++;
    else
        w->steps = done;
    if (phase == LTD_PHASE_SAMPLE)
        w->total = total;
    else
        CHECK_INT(total, 1);
    if (phase == w->at && done == w->step)
        atomic_store(&w->cancel, true);
}

TEST(progress_tells_every_phase_and_step)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params p = small_request();
    struct watched w = {.step = -1};
    const struct ltd_watch watch = {.progress = watch_progress, .arg = &w};
    struct ltd_gen_report report = {0};
    struct ltd_image *image = NULL, *init = random_image(2, p.width, p.height);

    p.steps = 5;
    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, &report, NULL), LTD_OK);
    ltd_image_free(image);
    CHECK(w.begun[LTD_PHASE_TEXT] == 1 && w.begun[LTD_PHASE_ENCODE] == 0);
    CHECK(w.begun[LTD_PHASE_SAMPLE] == 1 && w.begun[LTD_PHASE_DECODE] == 1);
    CHECK(w.steps == 5 && w.total == 5);
    CHECK(report.text_s > 0 && report.sample_s > 0 && report.decode_s > 0);
    p.init_image = init;
    p.strength = 0.4;
    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_OK);
    CHECK(w.begun[LTD_PHASE_ENCODE] == 1 && w.steps == 2 && w.total == 2);
    ltd_image_free(image);
    ltd_image_free(init);
    ltd_session_free(s);
}

TEST(a_canceled_generation_says_so_and_the_session_goes_on)
{
    static const struct {
        enum ltd_phase at;
        int step, begun_after; /* phases that may still begin once the flag is up */
    } rows[] = {{LTD_PHASE_TEXT, 0, 1},
                {LTD_PHASE_ENCODE, 0, 0},
                {LTD_PHASE_SAMPLE, 0, 0},
                {LTD_PHASE_SAMPLE, 3, 0},
                {LTD_PHASE_DECODE, 0, 0}};
    struct ltd_session *s = new_session(default_model(), 2);
    struct ltd_gen_params p = small_request();
    struct ltd_image *init = random_image(3, p.width, p.height), *want, *image = NULL;

    p.init_image = init;
    p.strength = 1;
    p.steps = 6;
    want = generate(s, &p, 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct watched w = {.at = rows[i].at, .step = rows[i].step};
        const struct ltd_watch watch = {.progress = watch_progress, .arg = &w, .cancel = &w.cancel};
        struct ltd_error err = {0};

        CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, &err), LTD_ECANCELED);
        CHECK_INT(err.status, LTD_ECANCELED);
        CHECK(image == NULL);
        CHECK(w.after <= rows[i].begun_after);
        image = generate(s, &p, 0);
        CHECK(same_pixels(image, want));
        ltd_image_free(image);
        image = NULL;
    }
    ltd_image_free(want);
    ltd_image_free(init);
    ltd_session_free(s);
}

TEST(canceled_before_it_begins)
{
    struct ltd_session *s = new_session(default_model(), 2);
    const struct ltd_gen_params p = small_request();
    struct watched w = {.step = -1, .cancel = true};
    const struct ltd_watch watch = {.progress = watch_progress, .arg = &w, .cancel = &w.cancel};
    struct ltd_image *image = NULL;

    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_ECANCELED);
    CHECK(image == NULL);
    CHECK(w.begun[LTD_PHASE_SAMPLE] == 0);
    ltd_session_free(s);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct canceler {
    atomic_bool cancel;
    double at;
};

static void *cancel_soon(void *arg)
{
    struct canceler *c = arg;
    const struct timespec pause = {0, 300000000};

    nanosleep(&pause, NULL);
    c->at = now();
    atomic_store(&c->cancel, true);
    return NULL;
}

TEST(a_step_of_seconds_is_left_at_once)
{
    struct ltd_session *s = new_session(default_model(), 1);
    struct ltd_gen_params p = small_request();
    struct canceler c = {false, 0};
    const struct ltd_watch watch = {.cancel = &c.cancel};
    struct ltd_image *image = NULL;
    pthread_t thread;

    /* One step takes many times as long as what is allowed below. */
    p.width = p.height = 768;
    REQUIRE(pthread_create(&thread, NULL, cancel_soon, &c) == 0);
    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_ECANCELED);
    pthread_join(thread, NULL);
    CHECK(now() - c.at < 1.0);
    CHECK(image == NULL);
    ltd_session_free(s);
}

static float *largest;

static void make_huge(struct weight *w)
{
    largest = allocate(w->count, sizeof *largest);
    for (size_t i = 0; i < w->count; i++)
        largest[i] = 3e38f;
    w->data = largest;
    w->dtype = DTYPE_F32;
}

/* A copy of the model whose tensor overflows every sum it takes part in. */
static void check_overflow(const char *part, const char *tensor, const char *message)
{
    char dir[1024], file[2048];
    struct ltd_gen_params p = small_request();
    struct ltd_model *bad = NULL;
    struct ltd_error err = {0};
    struct ltd_image *image = NULL;
    struct ltd_session *s;

    REQUIRE(model_copy_make(MODEL, dir, sizeof dir));
    snprintf(file, sizeof file, "%s/%s/diffusion_pytorch_model.safetensors", dir, part);
    CHECK(change_tensor(file, tensor, make_huge));
    free(largest);
    CHECK_INT(ltd_model_open(dir, &bad, &err), LTD_OK);
    if (bad) {
        s = new_session(bad, 2);
        for (int i = 0; i < 2; i++) {
            p.cfg_scale = i == 0 ? 100 : 1;
            CHECK_INT(ltd_session_generate(s, &p, 0, NULL, &image, NULL, &err), LTD_ENONFINITE);
            CHECK_STR(err.message, message);
            CHECK(image == NULL);
        }
        ltd_session_free(s);
        CHECK_STR(ltd_model_info(bad)->dtype, strcmp(part, "unet") == 0 ? "mixed" : "f16");
    }
    ltd_model_close(bad);
    model_copy_remove(dir);
}

TEST(a_latent_that_overflows_fails_the_request)
{
    check_overflow("unet", "conv_out.weight", "the latent stopped being finite at step 1 of 2");
}

TEST(a_picture_that_overflows_fails_the_request)
{
    check_overflow("vae", "decoder.conv_out.weight", "the decoded picture has values that are not finite");
}

/* The first requests for pictures on a broken model fail; one model's failure leaves another's sessions
 * alone, and a session's own later requests. */
TEST(a_request_that_overflows_leaves_the_session_usable)
{
    char dir[1024], file[2048];
    struct ltd_gen_params p = small_request();
    struct ltd_image *init = random_image(4, p.width, p.height), *image = NULL, *first = NULL;
    struct ltd_model *bad = NULL;
    struct ltd_session *s;

    REQUIRE(model_copy_make(MODEL, dir, sizeof dir));
    snprintf(file, sizeof file, "%s/vae/diffusion_pytorch_model.safetensors", dir);
    CHECK(change_tensor(file, "encoder.conv_out.weight", make_huge));
    free(largest);
    CHECK_INT(ltd_model_open(dir, &bad, NULL), LTD_OK);
    REQUIRE(bad != NULL);
    s = new_session(bad, 2);
    first = generate(s, &p, 0);
    p.init_image = init;
    CHECK_INT(ltd_session_generate(s, &p, 0, NULL, &image, NULL, NULL), LTD_ENONFINITE);
    p.init_image = NULL;
    image = generate(s, &p, 0);
    CHECK(same_pixels(image, first));
    ltd_image_free(image);
    ltd_image_free(first);
    ltd_image_free(init);
    ltd_session_free(s);
    ltd_model_close(bad);
    model_copy_remove(dir);
}

TEST(a_session_has_1_to_64_threads)
{
    struct ltd_session *s = NULL;
    struct ltd_error err = {0};

    CHECK_INT(ltd_session_new(default_model(), -1, &s, &err), LTD_EINVAL);
    CHECK_INT(ltd_session_new(default_model(), 65, &s, &err), LTD_EINVAL);
    CHECK(s == NULL);
    CHECK_INT(ltd_session_new(default_model(), 0, &s, &err), LTD_OK);
    ltd_session_free(s);
    ltd_session_free(NULL);
}

TEST(phases_have_names)
{
    CHECK_STR(ltd_phase_name(LTD_PHASE_TEXT), "text");
    CHECK_STR(ltd_phase_name(LTD_PHASE_ENCODE), "encode");
    CHECK_STR(ltd_phase_name(LTD_PHASE_SAMPLE), "sample");
    CHECK_STR(ltd_phase_name(LTD_PHASE_DECODE), "decode");
}
