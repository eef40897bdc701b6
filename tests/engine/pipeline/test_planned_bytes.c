/* test_planned_bytes.c - what a request is foretold to take is what it takes, to the byte. */
#include <latentd/cost.h>
#include <latentd/session.h>

#include "check.h"
#include "random_values.h"
#include "sessions.h"

/* Any request that is small. */
static struct ltd_gen_params random_request(uint64_t *seed, struct ltd_image **init)
{
    static const char *const prompts[] = {"", "3d tiger", "an oil painting of a red fox in the snow", "ink",
                                          "a small hat, a large hat, and a cat"};
    const struct ltd_model *m = default_model();
    const size_t most = random_size(seed, 0, 19) == 0 ? 16 : 8;
    struct ltd_gen_params p = ltd_params_default(m);

    p.prompt = prompts[random_size(seed, 0, COUNT(prompts) - 1)];
    p.negative_prompt = prompts[random_size(seed, 0, COUNT(prompts) - 1)];
    p.seed = random_next(seed) % 1000;
    p.width = (int)random_size(seed, 2, most) * 8;
    p.height = (int)random_size(seed, 2, most) * 8;
    p.cfg_scale = (double)random_size(seed, 0, 3);
    p.clip_skip = (int)random_size(seed, 0, (size_t)ltd_model_info(m)->text_layers - 1);
    p.sampler = (enum ltd_sampler)random_size(seed, 0, LTD_SAMPLER_COUNT - 1);
    p.numerics = (enum ltd_numerics)random_size(seed, 0, LTD_NUMERICS_COUNT - 1);
    p.precision = (enum ltd_precision)random_size(seed, 0, LTD_PRECISION_COUNT - 1);
    p.count = (int)random_size(seed, 1, 4);
    /* PNDM's first steps are Runge-Kutta ones, and four of them the least it takes. */
    p.steps = (int)random_size(seed, p.sampler == LTD_SAMPLER_PNDM ? 4 : 1, 4);
    p.guidance_start = (double)random_size(seed, 0, 3) * 0.2;
    p.guidance_end = 1 - (double)random_size(seed, 0, 1) * 0.3;
    p.deepcache_interval = (int)random_size(seed, 1, 3);
    p.strength = 1;
    if (random_size(seed, 0, 1))
        p.init_image = *init = random_image(*seed, p.width, p.height);
    return p;
}

/* Planned, then drawn within the plan to the byte; *whole counts those that were all as foretold. */
static void check_bytes(struct ltd_session *s, int threads, uint64_t seed, int *whole)
{
    struct ltd_image *init = NULL, *image = NULL;
    const struct ltd_gen_params p = random_request(&seed, &init);
    const int index = (int)random_size(&seed, 0, (size_t)p.count - 1);
    struct ltd_gen_report report = {0};
    struct ltd_error err = {.message = ""};
    struct ltd_cost cost = {0};

    CHECK_INT(ltd_params_cost(default_model(), &p, threads, &cost, &err), LTD_OK);
    CHECK_INT(ltd_session_generate(s, &p, index, NULL, &image, &report, &err), LTD_OK);
    /* Only the text encoder can be spared. */
    if (report.used_bytes == 0 || report.used_bytes != report.planned_bytes ||
        report.planned_bytes > cost.scratch_bytes ||
        (report.planned_bytes < cost.scratch_bytes && report.recalled == 0))
        check_failed(__FILE__, __LINE__,
                     "%d x %d, %d steps, %s: %zu bytes foretold, %zu planned, %zu used, %d recalled; %s",
                     p.width, p.height, p.steps, ltd_sampler_name(p.sampler), cost.scratch_bytes,
                     report.planned_bytes, report.used_bytes, report.recalled, err.message);
    *whole += report.planned_bytes == cost.scratch_bytes;
    ltd_image_free(image);
    ltd_image_free(init);
}

TEST(planned_bytes_are_used_bytes)
{
    static const int threads[] = {1, 1, 1, 3};
    int whole = 0;

    for (size_t i = 0; i < COUNT(threads); i++) {
        struct ltd_session *s = new_session(default_model(), threads[i]);

        for (uint64_t seed = 1; seed <= 50; seed++)
            check_bytes(s, threads[i], 50 * i + seed, &whole);
        ltd_session_free(s);
    }
    CHECK(whole > 50);
}

/* Draws within the plan that was made, to the byte. */
static void check_plan(struct ltd_session *s, const struct ltd_gen_params *p)
{
    struct ltd_image *image = NULL;
    struct ltd_gen_report report = {0};
    struct ltd_error err = {0};
    struct ltd_cost cost = {0};

    CHECK_INT(ltd_params_cost(default_model(), p, 2, &cost, &err), LTD_OK);
    CHECK_INT(ltd_session_generate(s, p, 0, NULL, &image, &report, &err), LTD_OK);
    if (report.used_bytes == 0 || report.used_bytes != report.planned_bytes ||
        report.planned_bytes > cost.scratch_bytes ||
        (report.planned_bytes < cost.scratch_bytes && report.recalled == 0))
        check_failed(__FILE__, __LINE__,
                     "%.40s: %d x %d, %s: %zu bytes foretold, %zu in the report, %zu used; %s", p->prompt,
                     p->width, p->height, ltd_sampler_name(p->sampler), cost.scratch_bytes,
                     report.planned_bytes, report.used_bytes, err.message);
    ltd_image_free(image);
}

/* A grey ramp, of which the mask covers the middle. */
static void make_masked(int width, int height, struct ltd_image **image, struct ltd_image **mask)
{
    REQUIRE(ltd_image_new(width, height, image, NULL) == LTD_OK);
    REQUIRE(ltd_image_new(width, height, mask, NULL) == LTD_OK);
    for (int i = 0; i < width * height * 3; i++) {
        const int x = i / 3 % width, y = i / 3 / width;

        (*image)->pixels[i] = (uint8_t)(x * 255 / width);
        if (x >= width / 4 && x < width * 3 / 4 && y >= height / 4 && y < height * 3 / 4)
            (*mask)->pixels[i] = 255;
    }
}

static void check_kept(const struct ltd_image *got, const struct ltd_image *image,
                       const struct ltd_image *mask)
{
    bool changed = false;

    CHECK_INT(got->width, image->width);
    CHECK_INT(got->height, image->height);
    for (int i = 0; i < got->width * got->height * 3; i++) {
        if (mask->pixels[i] == 0 && got->pixels[i] != image->pixels[i]) {
            check_failed(__FILE__, __LINE__, "value %d is %d, not the %d that the mask keeps", i,
                         got->pixels[i], image->pixels[i]);
            return;
        }
        changed |= got->pixels[i] != image->pixels[i];
    }
    CHECK(changed);
}

TEST(what_a_mask_keeps_stays_and_planned_bytes_are_used_bytes)
{
    static const struct {
        enum ltd_profile profile;
        bool full_res;
        int width, height;
    } rows[] = {{LTD_PROFILE_A1111, false, 32, 24},
                {LTD_PROFILE_A1111, true, 57, 40},
                {LTD_PROFILE_DIFFUSERS, true, 40, 90}};
    struct ltd_session *s = new_session(default_model(), 2);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_gen_params p = small_request();
        struct ltd_image *image = NULL, *mask = NULL, *got = NULL;

        make_masked(rows[i].width, rows[i].height, &image, &mask);
        p.init_image = image;
        p.mask = mask;
        p.strength = 1;
        p.profile = rows[i].profile;
        p.inpaint_full_res = rows[i].full_res;
        check_plan(s, &p);
        CHECK_INT(ltd_session_generate(s, &p, 0, NULL, &got, NULL, NULL), LTD_OK);
        REQUIRE(got);
        check_kept(got, image, mask);
        ltd_image_free(got);
        ltd_image_free(image);
        ltd_image_free(mask);
    }
    ltd_session_free(s);
}

TEST(planned_bytes_are_used_bytes_with_variations)
{
    struct ltd_session *s = new_session(default_model(), 2);
    struct ltd_gen_params p = small_request();

    p.subseed_strength = 0.5;
    p.subseed = 3;
    check_plan(s, &p);
    p.seed_resize_from_w = p.seed_resize_from_h = 512;
    check_plan(s, &p);
    p.subseed_strength = 0;
    check_plan(s, &p);
    ltd_session_free(s);
}

/* What two passes tell is one count that never goes back. */
struct steps_told {
    int last, total, decodes;
};

static void on_steps(void *arg, enum ltd_phase phase, int done, int total)
{
    struct steps_told *t = arg;

    t->decodes += phase == LTD_PHASE_DECODE;
    if (phase != LTD_PHASE_SAMPLE)
        return;
    CHECK(done >= t->last && done <= total);
    CHECK(t->total == 0 || t->total == total);
    t->last = done;
    t->total = total;
}

TEST(two_passes_make_a_larger_picture_within_the_plan)
{
    struct ltd_session *s = new_session(default_model(), 2);
    struct ltd_gen_params p = small_request();
    struct ltd_error err = {0};

    p.hr_scale = 1.5;
    p.strength = 0.5;
    p.hr_steps = 6;
    for (int u = 0; u < LTD_HR_NETWORK; u++) { /* that one is tested with its networks */
        struct steps_told told = {0};
        const struct ltd_watch watch = {.progress = on_steps, .arg = &told};
        struct ltd_image *image = NULL;
        struct ltd_cost cost = {0};

        p.hr_upscaler = (enum ltd_hr_upscaler)u;
        check_plan(s, &p);
        CHECK_INT(ltd_params_cost(default_model(), &p, 2, &cost, &err), LTD_OK);
        CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, &err), LTD_OK);
        REQUIRE(image);
        CHECK_INT(image->width, 48);
        CHECK_INT(image->height, 32);
        CHECK_INT(told.last, told.total);
        CHECK_INT(told.total, cost.evaluations);
        CHECK_INT(told.total, 2 + 3);
        CHECK_INT(told.decodes, 1);
        ltd_image_free(image);
    }
    ltd_session_free(s);
}

/* The number of rows, their length and the number of texts are the prompt's. */
TEST(planned_bytes_are_used_bytes_with_any_prompt)
{
    static const struct {
        const char *prompt, *negative_prompt;
        double cfg_scale;
    } rows[] = {
        {"a (red:1.3) tiger", "", 4},
        {"a (red:1.3) tiger", "", 1},
        {"a b c d e f g h i j k l m n o p q r s t u v w x y z", "", 4},
        {"tiger", "a b c d e f g h i j k l m n", 4},
        {"a BREAK b BREAK c", "[d:e:1]", 4},
        {"[a:b c d e f g h i j k l m n o:0.5]", "", 1},
        {"[a|b|c] tiger", "[d|e]", 0},
        {"a AND b :0.5 AND [c:d:1] :-1", "e", 4},
        {"a AND b c d e f g h i j k l m n o", "a BREAK b BREAK c", 1},
    };
    struct ltd_session *s = new_session(default_model(), 2);
    struct ltd_gen_params p = small_request();

    p.profile = LTD_PROFILE_A1111;
    p.steps = 3;
    for (size_t i = 0; i < COUNT(rows); i++) {
        p.prompt = rows[i].prompt;
        p.negative_prompt = rows[i].negative_prompt;
        p.cfg_scale = rows[i].cfg_scale;
        p.guidance_end = 1;
        check_plan(s, &p);
        p.guidance_end = 0.5;
        check_plan(s, &p);
    }
    ltd_session_free(s);
}
