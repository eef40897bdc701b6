/* test_cost.c - what a request is said to take. */
#include <latentd/cost.h>

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "check.h"
#include "sessions.h"

#define MODEL "models/default"

static struct ltd_cost cost_of(const struct ltd_model *model, const struct ltd_gen_params *p)
{
    struct ltd_cost cost = {0};
    struct ltd_error err = {.message = ""};

    if (ltd_params_cost(model, p, 2, &cost, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    return cost;
}

TEST(guidance_doubles_text_and_steps_alone)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_cost one, two;

    p.cfg_scale = 1;
    one = cost_of(model, &p);
    p.cfg_scale = 4;
    two = cost_of(model, &p);
    CHECK(one.step_flop > 1e6 && one.decode_flop > 1e6 && one.text_flop > 1e6);
    CHECK_NEAR(two.text_flop / one.text_flop, 2, 1e-9);
    /* But for what comes before the first look at the text. */
    CHECK(two.step_flop < 1.95 * one.step_flop && two.step_flop > 1.5 * one.step_flop);
    CHECK_NEAR(two.decode_flop / one.decode_flop, 1, 0);
    CHECK(one.encode_flop == 0);
    /* The decoder takes more than two rows of a U-Net. */
    CHECK(two.scratch_bytes == one.scratch_bytes);
    ltd_model_close(model);
}

TEST(work_grows_with_the_picture)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_cost small, large;

    small = cost_of(model, &p);
    p.width *= 2;
    p.height *= 2;
    large = cost_of(model, &p);
    /* Four times the pixels; attention grows by more, what sees only the text by less. */
    CHECK(large.step_flop > 3.9 * small.step_flop && large.step_flop < 8 * small.step_flop);
    CHECK_NEAR(large.decode_flop / small.decode_flop, 4, 0.01);
    CHECK_NEAR(large.text_flop, small.text_flop, 0);
    ltd_model_close(model);
}

TEST(evaluations_are_the_samplers_own)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_image *image = NULL;

    p.steps = 10;
    p.sampler = LTD_SAMPLER_DDIM;
    CHECK_INT(cost_of(model, &p).evaluations, 10);
    p.sampler = LTD_SAMPLER_PNDM;
    CHECK(cost_of(model, &p).evaluations > 10);
    p.sampler = LTD_SAMPLER_DDIM;
    REQUIRE(ltd_image_new(p.width, p.height, &image, NULL) == LTD_OK);
    p.init_image = image;
    p.strength = 0.5;
    CHECK_INT(cost_of(model, &p).evaluations, 5);
    CHECK(cost_of(model, &p).encode_flop > 1e6);
    ltd_image_free(image);
    ltd_model_close(model);
}

/* A layer: four projections, two of the MLP, and attention's two products.  The U-Net of the default model
 * then makes keys and values for attentions of 128 channels, one down and two up, and of 224, one down, one
 * in the middle and two up. */
TEST(text_is_counted_as_by_hand)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_json *json = NULL;
    double layers, channels, mlp, tokens, want;

    REQUIRE(ltd_json_read_file(MODEL "/text_encoder/config.json", 1 << 16, &json, NULL) == LTD_OK);
    layers = ltd_json_number(ltd_json_get(json, "num_hidden_layers"));
    channels = ltd_json_number(ltd_json_get(json, "hidden_size"));
    mlp = ltd_json_number(ltd_json_get(json, "intermediate_size"));
    tokens = ltd_model_info(model)->token_limit;
    want = layers * (4 * tokens * channels * channels + 2 * tokens * channels * mlp +
                     2 * tokens * tokens * channels) +
           2 * tokens * channels * (3 * 128 + 4 * 224);
    p.cfg_scale = 1;
    CHECK_NEAR(cost_of(model, &p).text_flop / (2 * want), 1, 1e-9);
    ltd_json_free(json);
    ltd_model_close(model);
}

TEST(what_cannot_be_drawn_has_no_cost)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_cost cost = {.evaluations = -7};
    struct ltd_error err;

    p.width = 30;
    CHECK_INT(ltd_params_cost(model, &p, 2, &cost, &err), LTD_EINVAL);
    CHECK(strncmp(err.message, "width: ", 7) == 0);
    p.width = 64;
    CHECK_INT(ltd_params_cost(model, &p, -1, &cost, &err), LTD_EINVAL);
    CHECK_INT(cost.evaluations, -7);
    ltd_model_close(model);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

TEST(a_cost_is_told_within_a_millisecond)
{
    struct ltd_model *model = open_model(MODEL);
    struct ltd_gen_params p = ltd_params_default(model);
    double best = 1;

    p.prompt = "a cat that sits on a bench of wood under a tree";
    for (int i = 0; i < 30; i++) {
        const double begun = now();

        cost_of(model, &p);
        best = fmin(best, now() - begun);
    }
    printf("%.3f ms\n", best * 1e3);
    CHECK(best < 1e-3);
    ltd_model_close(model);
}

TEST(the_probe_takes_its_time_and_tells_a_speed)
{
    struct ltd_error err;
    double speed = 0, begun = now();

    CHECK_INT(ltd_probe_speed(2, 0.05, &speed, &err), LTD_OK);
    CHECK(now() - begun >= 0.05);
    printf("%.1f GFLOP/s in %.3f s\n", speed / 1e9, now() - begun);
    CHECK(speed > 1e8 && speed < 1e14);
    CHECK_INT(ltd_probe_speed(65, 0.05, &speed, &err), LTD_EINVAL);
}
