/* test_params_check.c - every bad value is found, under its own field's name, all in one call. */
#include <latentd/model.h>
#include <latentd/session.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct ltd_model *model;

__attribute__((destructor)) static void close_model(void)
{
    ltd_model_close(model);
}

static struct ltd_gen_params defaults(void)
{
    if (!model && ltd_model_open("models/default", &model, NULL) != LTD_OK)
        abort();
    return ltd_params_default(model);
}

/* "error width; warning prompt; ", with the last message. */
struct findings {
    char list[1024], message[512];
};

static void note(void *arg, bool warning, const char *field, const char *message)
{
    struct findings *f = arg;
    const size_t at = strlen(f->list);

    snprintf(f->list + at, sizeof f->list - at, "%s %s; ", warning ? "warning" : "error", field);
    snprintf(f->message, sizeof f->message, "%s", message);
}

static void check_found(int line, const struct ltd_gen_params *p, const char *want)
{
    struct findings f = {"", ""};
    const bool good = ltd_params_check(model, p, note, &f);

    if (strcmp(f.list, want) != 0)
        check_failed(__FILE__, line, "found '%s' (%s), not '%s'", f.list, f.message, want);
    if (good != !strstr(want, "error"))
        check_failed(__FILE__, line, "'%s' is %s", want, good ? "let pass" : "refused");
    if (good != ltd_params_check(model, p, NULL, NULL))
        check_failed(__FILE__, line, "'%s': another answer without a listener", want);
}

TEST(what_the_model_recommends_is_good)
{
    struct ltd_gen_params p = defaults();

    check_found(__LINE__, &p, "");
    CHECK_INT(p.steps, 25);
    CHECK_INT(p.width, 128);
    CHECK_INT(p.height, 128);
    CHECK_NEAR(p.cfg_scale, 4, 0);
    CHECK_INT(p.sampler, LTD_SAMPLER_DDIM);
    CHECK_INT(p.count, 1);
    CHECK_INT(p.seed, 0);
    CHECK_STR(p.prompt, "");
    CHECK_STR(p.negative_prompt, "");
}

#define BAD(field, value, name)                         \
    do {                                                \
        struct ltd_gen_params p_ = defaults();          \
        p_.field = (value);                             \
        check_found(__LINE__, &p_, "error " name "; "); \
    } while (0)

TEST(each_bad_value_is_found_under_its_field)
{
    BAD(prompt, NULL, "prompt");
    BAD(prompt, "\xff", "prompt");
    BAD(negative_prompt, NULL, "negative_prompt");
    BAD(negative_prompt, "a\xc3", "negative_prompt");
    BAD(width, 0, "width");
    BAD(width, -4, "width");
    BAD(width, 63, "width");
    BAD(width, 16392, "width");
    BAD(width, INT32_MAX, "width");
    BAD(height, 2, "height");
    BAD(height, INT32_MIN, "height");
    BAD(steps, 0, "steps");
    BAD(steps, -1, "steps");
    BAD(steps, 1001, "steps");
    BAD(steps, INT32_MAX, "steps");
    BAD(cfg_scale, -0.1, "cfg_scale");
    BAD(cfg_scale, 100.1, "cfg_scale");
    BAD(cfg_scale, (double)NAN, "cfg_scale");
    BAD(cfg_scale, (double)INFINITY, "cfg_scale");
    BAD(cfg_rescale, -0.1, "cfg_rescale");
    BAD(cfg_rescale, 1.1, "cfg_rescale");
    BAD(cfg_rescale, (double)NAN, "cfg_rescale");
    BAD(guidance_start, -0.01, "guidance_start");
    BAD(guidance_start, 1, "guidance_start");
    BAD(guidance_start, (double)NAN, "guidance_start");
    BAD(guidance_end, 0, "guidance_end");
    BAD(guidance_end, 1.01, "guidance_end");
    BAD(guidance_end, (double)NAN, "guidance_end");
    BAD(deepcache_interval, 0, "deepcache_interval");
    BAD(deepcache_interval, -1, "deepcache_interval");
    BAD(sampler, (enum ltd_sampler)LTD_SAMPLER_COUNT, "sampler");
    BAD(sampler, (enum ltd_sampler) - 1, "sampler");
    BAD(scheduler, (enum ltd_scheduler)LTD_SCHEDULER_COUNT, "scheduler");
    BAD(scheduler, LTD_SCHEDULER_KARRAS, "scheduler");
    BAD(count, 0, "count");
    BAD(count, -3, "count");
    BAD(clip_skip, -1, "clip_skip");
    BAD(clip_skip, 4, "clip_skip");
    BAD(profile, LTD_PROFILE_COUNT, "profile");
    BAD(numerics, LTD_NUMERICS_COUNT, "numerics");
    BAD(precision, LTD_PRECISION_COUNT, "precision");
}

TEST(an_eta_is_for_the_samplers_that_have_one)
{
    for (int sampler = 0; sampler < LTD_SAMPLER_COUNT; sampler++) {
        const bool has = ltd_sampler_eta((enum ltd_sampler)sampler) != LTD_ETA_STANDARD;
        struct ltd_gen_params p = defaults();

        p.prompt = "";
        p.sampler = (enum ltd_sampler)sampler;
        p.steps = 10;
        p.eta = 0.5;
        check_found(__LINE__, &p, has ? "" : "error eta; ");
        p.eta = 1.5;
        check_found(__LINE__, &p, "error eta; ");
        p.eta = (double)NAN;
        check_found(__LINE__, &p, "error eta; ");
    }
}

TEST(churn_is_for_the_samplers_that_add_noise_before_their_steps)
{
    for (int sampler = 0; sampler < LTD_SAMPLER_COUNT; sampler++) {
        const bool churns = ltd_sampler_churns((enum ltd_sampler)sampler);
        const bool scales = ltd_sampler_scales_noise((enum ltd_sampler)sampler);
        struct ltd_gen_params p = defaults();

        p.prompt = "";
        p.sampler = (enum ltd_sampler)sampler;
        p.steps = 10;
        p.s_noise = 0.9;
        check_found(__LINE__, &p, scales ? "" : "error s_noise; ");
        p.s_churn = 5;
        check_found(__LINE__, &p,
                    churns   ? ""
                    : scales ? "error s_churn; "
                             : "error s_churn; error s_noise; ");
    }
}

TEST(churn_has_bounds)
{
    struct ltd_gen_params p = defaults();

    p.sampler = LTD_SAMPLER_EULER;
    p.steps = 10;
    p.s_tmin = 1;
    p.s_tmax = 2;
    check_found(__LINE__, &p, "error s_tmin; error s_tmax; ");
    p.s_churn = 100;
    check_found(__LINE__, &p, "");
    p.s_tmax = 0.5;
    check_found(__LINE__, &p, "error s_tmax; ");
    p.s_tmax = 1e5;
    check_found(__LINE__, &p, "error s_tmax; ");
    p.s_tmax = 0;
    p.s_churn = 100.5;
    p.s_noise = 2.5;
    check_found(__LINE__, &p, "error s_churn; error s_noise; ");
    p.s_churn = (double)NAN;
    p.s_noise = (double)NAN;
    check_found(__LINE__, &p, "error s_churn; error s_noise; ");
}

TEST(an_interval_of_guidance_has_a_step_in_it)
{
    struct ltd_gen_params p = defaults();

    p.steps = 10;
    p.guidance_start = 0.3;
    p.guidance_end = 0.5;
    check_found(__LINE__, &p, "");
    p.guidance_end = 0.3;
    check_found(__LINE__, &p, "error guidance_end; ");
    p.guidance_end = 0.39;
    check_found(__LINE__, &p, "warning guidance_end; ");
    p.guidance_end = 0.4;
    check_found(__LINE__, &p, "");
    p.cfg_scale = 1;
    check_found(__LINE__, &p, "warning guidance_end; ");
    p.guidance_start = 0;
    p.guidance_end = 1;
    check_found(__LINE__, &p, "");
}

TEST(seeds_end_at_2_to_the_64)
{
    struct ltd_gen_params p = defaults();

    p.seed = UINT64_MAX;
    check_found(__LINE__, &p, "");
    p.count = 2;
    check_found(__LINE__, &p, "error seed; ");
    p.seed = UINT64_MAX - 1;
    check_found(__LINE__, &p, "");
}

TEST(strength_and_image_are_looked_at_where_there_is_an_image)
{
    static const double bad[] = {0, -0.5, 1.01, (double)NAN, (double)INFINITY};
    struct ltd_gen_params p = defaults();
    struct ltd_image *image = NULL;

    p.strength = -1;
    check_found(__LINE__, &p, "");
    REQUIRE(ltd_image_new(128, 128, &image, NULL) == LTD_OK);
    p.init_image = image;
    for (size_t i = 0; i < COUNT(bad); i++) {
        p.strength = bad[i];
        check_found(__LINE__, &p, "error strength; ");
    }
    /* So little of so few steps that none is left. */
    p.strength = 0.01;
    check_found(__LINE__, &p, "error strength; ");
    p.strength = 0.5;
    check_found(__LINE__, &p, "");
    p.width = 136;
    check_found(__LINE__, &p, "error image; ");
    ltd_image_free(image);
}

TEST(variations_have_subseeds_that_end_at_2_to_the_64)
{
    struct ltd_gen_params p = defaults();

    p.subseed_strength = 1.01;
    check_found(__LINE__, &p, "error subseed_strength; ");
    p.subseed_strength = (double)NAN;
    check_found(__LINE__, &p, "error subseed_strength; ");
    p.subseed_strength = 1;
    p.seed = UINT64_MAX;
    p.count = 3;
    check_found(__LINE__, &p, "");
    p.subseed = UINT64_MAX - 1;
    check_found(__LINE__, &p, "error subseed; ");
    p.count = 1;
    p.seed_resize_from_w = 64;
    check_found(__LINE__, &p, "error seed_resize_from_h; ");
    p.seed_resize_from_h = 1;
    check_found(__LINE__, &p, "error seed_resize_from_h; ");
    p.seed_resize_from_h = 640;
    check_found(__LINE__, &p, "");
}

TEST(a_second_pass_is_larger_and_has_steps)
{
    struct ltd_gen_params p = defaults();
    struct ltd_image *image = NULL;

    p.hr_scale = 1;
    check_found(__LINE__, &p, "error hr_scale; ");
    p.hr_scale = (double)NAN;
    check_found(__LINE__, &p, "error hr_scale; ");
    p.hr_scale = 2;
    check_found(__LINE__, &p, "");
    p.strength = 0;
    check_found(__LINE__, &p, "error strength; ");
    p.strength = 0.01;
    check_found(__LINE__, &p, "error strength; ");
    p.strength = 0.3;
    p.hr_steps = 2;
    check_found(__LINE__, &p, "error hr_steps; ");
    p.hr_steps = -1;
    p.hr_upscaler = LTD_HR_UPSCALER_COUNT;
    check_found(__LINE__, &p, "error hr_upscaler; error hr_steps; ");
    p.hr_steps = 0;
    p.hr_upscaler = LTD_HR_LANCZOS;
    REQUIRE(ltd_image_new(128, 128, &image, NULL) == LTD_OK);
    p.init_image = image;
    check_found(__LINE__, &p, "error hr_scale; ");
    ltd_image_free(image);
}

TEST(a_mask_is_one_of_its_image)
{
    struct ltd_gen_params p = defaults();
    struct ltd_image *image = NULL, *mask = NULL, *small = NULL;

    REQUIRE(ltd_image_new(128, 128, &image, NULL) == LTD_OK);
    REQUIRE(ltd_image_new(128, 128, &mask, NULL) == LTD_OK);
    REQUIRE(ltd_image_new(40, 64, &small, NULL) == LTD_OK);
    mask->pixels[0] = small->pixels[0] = 1;
    p.mask = mask;
    check_found(__LINE__, &p, "error mask; ");
    p.init_image = image;
    check_found(__LINE__, &p, "");
    p.mask = small;
    check_found(__LINE__, &p, "error mask; ");
    p.init_image = small;
    check_found(__LINE__, &p, "error image; ");
    p.inpaint_full_res = true;
    check_found(__LINE__, &p, "");
    small->pixels[0] = 0;
    check_found(__LINE__, &p, "error mask; ");
    p.init_image = p.mask = image;
    p.inpaint_full_res = false;
    check_found(__LINE__, &p, "warning mask; ");
    p.mask_invert = true;
    check_found(__LINE__, &p, "");
    p.mask_blur = LTD_MAX_MASK_BLUR + 1;
    p.inpaint_full_res_padding = -1;
    p.masked_content = LTD_MASKED_CONTENT_COUNT;
    check_found(__LINE__, &p, "error masked_content; error mask_blur; error inpaint_full_res_padding; ");
    ltd_image_free(image);
    ltd_image_free(mask);
    ltd_image_free(small);
}

TEST(everything_wrong_is_told_at_once)
{
    struct ltd_gen_params p = defaults();
    struct ltd_image *image = NULL;

    REQUIRE(ltd_image_new(64, 64, &image, NULL) == LTD_OK);
    p.prompt = p.negative_prompt = "\xff";
    p.width = 1;
    p.height = 65;
    p.sampler = (enum ltd_sampler)99;
    p.scheduler = (enum ltd_scheduler)99;
    p.steps = 0;
    p.strength = 2;
    p.init_image = image;
    p.cfg_scale = -1;
    p.guidance_start = 1;
    p.deepcache_interval = 0;
    p.count = 0;
    p.clip_skip = 99;
    p.profile = (enum ltd_profile)99;
    p.numerics = (enum ltd_numerics)99;
    p.precision = (enum ltd_precision)99;
    check_found(__LINE__, &p,
                "error prompt; error negative_prompt; error width; error height; error sampler; "
                "error scheduler; error steps; error strength; error cfg_scale; "
                "error guidance_start; error deepcache_interval; error count; "
                "error clip_skip; error image; error profile; error numerics; error precision; ");
    ltd_image_free(image);
}

TEST(what_is_drawn_otherwise_than_asked_is_a_warning)
{
    struct ltd_gen_params p = defaults();
    struct findings f = {"", ""};

    p.prompt = "a b c d e f g h i j a b c d e f g h i j a b c d e f g h i j k l";
    check_found(__LINE__, &p, "warning prompt; ");
    CHECK(ltd_params_check(model, &p, note, &f));
    CHECK_STR(f.message, "the last 2 of 32 tokens are beyond the 30 this model reads, and were cut");
    p.negative_prompt = p.prompt;
    check_found(__LINE__, &p, "warning prompt; warning negative_prompt; ");
    p = defaults();
    p.prompt = "a b c d e f g h i j a b c d e f g h i j a b c d e f g h i j";
    check_found(__LINE__, &p, "");
    p.width = 256;
    p.height = 64;
    check_found(__LINE__, &p, "");
    p.width = 264;
    p.height = 56;
    check_found(__LINE__, &p, "warning width; warning height; ");
    memset(&f, 0, sizeof f);
    p.height = 128;
    CHECK(ltd_params_check(model, &p, note, &f));
    CHECK_STR(f.message, "264 pixels are far from the 128 this model was trained at");
}

TEST(what_guidance_adds_is_taken_back_where_there_is_guidance_to_one_prompt)
{
    struct ltd_gen_params p = defaults();

    p.cfg_rescale = 0.7;
    check_found(__LINE__, &p, "");
    p.prompt = "a AND b";
    check_found(__LINE__, &p, "");
    p.cfg_scale = 1;
    check_found(__LINE__, &p, "warning cfg_rescale; ");
    p.profile = LTD_PROFILE_A1111;
    check_found(__LINE__, &p, "error cfg_rescale; ");
    p.prompt = "a";
    check_found(__LINE__, &p, "warning cfg_rescale; ");
    p.prompt = "a :2";
    check_found(__LINE__, &p, "");
}

TEST(prompts_with_a_grammar)
{
    struct ltd_gen_params p = defaults();
    struct findings f = {"", ""};

    p.profile = LTD_PROFILE_A1111;
    p.prompt = "a b c d e f g h i j k l AND [m|n] (o:1.2) BREAK p";
    check_found(__LINE__, &p, "");
    p.negative_prompt = "(a BREAK b)";
    check_found(__LINE__, &p, "warning negative_prompt; ");
    p.negative_prompt = "(a:1.2.3)";
    check_found(__LINE__, &p, "error negative_prompt; ");
    CHECK(!ltd_params_check(model, &p, note, &f));
    CHECK_STR(f.message, "has \"1.2.3\" for a weight; write a number such as 1.2");
    p.prompt = "\xff";
    check_found(__LINE__, &p, "error prompt; error negative_prompt; ");
    /* Steps that are wrong anyway take no memory. */
    p = defaults();
    p.profile = LTD_PROFILE_A1111;
    p.prompt = "[a|b]";
    p.steps = 0;
    check_found(__LINE__, &p, "error steps; ");
    p.steps = INT32_MAX;
    check_found(__LINE__, &p, "error prompt; error negative_prompt; error steps; ");
}

TEST(a_wrong_size_names_the_nearest_right_ones)
{
    struct ltd_gen_params p = defaults();
    struct findings f = {"", ""};

    p.width = 132;
    CHECK(!ltd_params_check(model, &p, note, &f));
    CHECK_STR(f.message, "must be a multiple of 8; the nearest are 128 and 136");
}

/* Without padding on the way down, a side is halved and rounded down; at nothing there is nothing to draw. */
TEST(a_latent_that_would_vanish_on_the_way_down_is_refused)
{
    struct findings f = {"", ""};
    struct ltd_model *unpadded = NULL;
    struct ltd_gen_params p;

    REQUIRE(ltd_model_open("tests/parity/fixtures/fields-a/model", &unpadded, NULL) == LTD_OK);
    p = ltd_params_default(unpadded);
    p.width = p.height = 4;
    CHECK(!ltd_params_check(unpadded, &p, note, &f));
    CHECK_STR(f.list, "error width; error height; ");
    CHECK_STR(f.message, "must be 8 to 16384 pixels");
    ltd_model_close(unpadded);
}

static void check_text(int line, const struct ltd_gen_params *p, int index, const char *want)
{
    char *text = ltd_params_text(model, p, index, &(struct ltd_picture_form){0}, (struct ltd_model_label){0});
    char full[1024], build[LTD_BUILD_TEXT_SIZE];

    ltd_build_text(build);
    snprintf(full, sizeof full,
             "%s, Profile: diffusers, Numerics: default, ISA: %s, Build: %s, Version: latentd %s", want,
             ltd_isa_name(), build, LATENTD_VERSION);
    if (!text || strcmp(text, full) != 0)
        check_failed(__FILE__, line, "'%s', not '%s'", text ? text : "", full);
    free(text);
}

/* A comma would end the value in the settings of a PNG. */
TEST(the_build_names_compiler_and_library)
{
    char build[LTD_BUILD_TEXT_SIZE];

    ltd_build_text(build);
    CHECK(strncmp(build, "gcc ", 4) == 0 || strncmp(build, "clang ", 6) == 0);
    CHECK(strstr(build, " -O") && !strpbrk(build, ",:\"\n"));
#ifdef __GLIBC__
    CHECK(strstr(build, " glibc 2.") != NULL);
#endif
}

TEST(the_settings_call_the_model_by_name_and_hash)
{
    static const struct {
        struct ltd_model_label label;
        const char *want;
    } rows[] = {
        {{"default", NULL}, ", Size: 64x48, Model: default, Model type: "},
        {{"a, \"b\"\\c", "0123456789abcdef"},
         ", Size: 64x48, Model hash: 0123456789, Model: \"a, \\\"b\\\"\\\\c\", Model type: "},
        {{NULL, "0123456789abcdef"}, ", Size: 64x48, Model hash: 0123456789, Model type: "},
    };
    struct ltd_gen_params p = defaults();

    p.width = 64;
    p.height = 48;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = ltd_params_text(model, &p, 0, &(struct ltd_picture_form){0}, rows[i].label);

        if (!text || !strstr(text, rows[i].want))
            check_failed(__FILE__, __LINE__, "'%s' has no '%s'", text ? text : "", rows[i].want);
        free(text);
    }
}

TEST(the_settings_as_text)
{
    struct ltd_gen_params p = defaults();
    struct ltd_image *image = NULL;

    REQUIRE(ltd_image_new(64, 64, &image, NULL) == LTD_OK);
    p.prompt = "3d tiger \xe2\x82\xac";
    p.seed = UINT64_MAX - 1;
    p.count = 2;
    check_text(__LINE__, &p, 1,
               "3d tiger \xe2\x82\xac\nSteps: 25, Sampler: DDIM, Schedule type: model, CFG scale: 4, "
               "Seed: 18446744073709551615, Size: 128x128, Model type: sd1");
    p.negative_prompt = "green";
    p.cfg_scale = 2.5;
    p.sampler = LTD_SAMPLER_DPMPP_2M;
    p.scheduler = LTD_SCHEDULER_KARRAS;
    p.height = 64;
    p.init_image = image;
    p.strength = 0.25;
    p.clip_skip = 1;
    p.cfg_rescale = 0.7;
    check_text(
        __LINE__, &p, 0,
        "3d tiger \xe2\x82\xac\nNegative prompt: green\nSteps: 25, Sampler: DPM++ 2M, Schedule type: karras, "
        "CFG scale: 2.5, Seed: 18446744073709551614, Size: 128x64, Model type: sd1, "
        "Denoising strength: 0.25, Clip skip: 2, CFG rescale: 0.7");
    p.subseed = 9;
    p.subseed_strength = 0.25;
    p.seed_resize_from_w = 40;
    p.seed_resize_from_h = 80;
    p.mask = image;
    p.prompt = "masked";
    p.masked_content = LTD_MASKED_NOISE;
    p.mask_blur = 4;
    p.mask_invert = p.inpaint_full_res = true;
    p.inpaint_full_res_padding = 32;
    check_text(
        __LINE__, &p, 0,
        "masked\nNegative prompt: green\nSteps: 25, Sampler: DPM++ 2M, Schedule type: karras, CFG scale: "
        "2.5, Seed: 18446744073709551614, Size: 128x64, Model type: sd1, Variation seed: 9, "
        "Variation seed strength: 0.25, Seed resize from: 40x80, Denoising strength: 0.25, "
        "Masked content: latent noise, Mask blur: 4, Mask mode: Inpaint not masked, "
        "Inpaint area: Only masked, Masked area padding: 32, Clip skip: 2, CFG rescale: 0.7");
    p = defaults();
    p.prompt = "fast";
    p.guidance_start = 0.125;
    p.guidance_end = 0.7;
    p.deepcache_interval = 3;
    p.tiling = true;
    p.hr_scale = 1.5;
    p.hr_steps = 9;
    p.hr_upscaler = LTD_HR_LATENT_NEAREST;
    p.strength = 0.5;
    check_text(
        __LINE__, &p, 0,
        "fast\nSteps: 25, Sampler: DDIM, Schedule type: model, CFG scale: 4, Seed: 0, Size: 128x128, "
        "Model type: sd1, Denoising strength: 0.5, Hires upscale: 1.5, Hires steps: 9, "
        "Hires upscaler: Latent (nearest), Guidance start: 0.125, Guidance end: 0.7, Tiling: True, DeepCache interval: 3");
    ltd_image_free(image);
}
