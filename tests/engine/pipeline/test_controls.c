/* test_controls.c - control networks: what is refused by name, what is planned, when they have a part. */
#include <latentd/cost.h>
#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pipeline/control_maps.h"
#include "sessions.h"

#define FIXTURES "tests/parity/fixtures/"
#define NETS     FIXTURES "controls/controlnets"

static struct ltd_model *model;
static uint8_t pixels[24 * 40 * 3];
static const struct ltd_image picture = {24, 40, pixels};

__attribute__((destructor)) static void close_model(void)
{
    ltd_model_close(model);
}

static struct ltd_model *open_with_nets(const char *dir, const char *nets)
{
    struct ltd_model *opened = open_model(dir);
    struct ltd_error err;

    if (ltd_model_add_control_nets(opened, nets, &err) != LTD_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return opened;
}

static struct ltd_control control_of(const char *name)
{
    return (struct ltd_control){
        .model = name, .image = &picture, .weight = 1, .end = 1, .low_threshold = 100, .high_threshold = 200};
}

static struct ltd_gen_params request(const struct ltd_control *controls, int count)
{
    struct ltd_gen_params p;

    if (!model)
        model = open_with_nets(FIXTURES "sd15/model", NETS);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = i / 3 % 7 < 3 ? 255 : 0;
    p = ltd_params_default(model);
    p.prompt = "a fox";
    p.negative_prompt = "ugly";
    p.seed = 3;
    p.steps = 5;
    p.sampler = LTD_SAMPLER_EULER;
    p.width = p.height = 24;
    p.controls = controls;
    p.control_count = count;
    return p;
}

static struct ltd_image *draw(const struct ltd_gen_params *p)
{
    return draw_as_planned(__LINE__, model, p, 2);
}

static bool same_picture(const struct ltd_gen_params *p, const struct ltd_gen_params *q)
{
    struct ltd_image *a = draw(p), *b = draw(q);
    const bool same = same_pixels(a, b);

    ltd_image_free(a);
    ltd_image_free(b);
    return same;
}

TEST(a_picture_is_planned_with_the_networks_that_have_a_part_in_it)
{
    struct ltd_control controls[] = {control_of("folder"), control_of("file"), control_of("plain")};
    struct ltd_gen_params plain = request(NULL, 0), p = request(controls, 1), q = p;
    struct ltd_control none = controls[0], edges = controls[0];

    CHECK(!same_picture(&p, &plain));
    none.weight = 0;
    q.controls = &none;
    CHECK(same_picture(&q, &plain));
    edges.preprocessor = LTD_PREPROCESSOR_CANNY;
    q.controls = &edges;
    CHECK(!same_picture(&p, &q));
    /* The second begins where the first has ended; the third is in the middle of both. */
    controls[0].end = controls[1].start = 0.5;
    controls[2].start = 0.2;
    controls[2].end = 0.8;
    p.control_count = 3;
    CHECK(!same_picture(&p, &plain));
    p.prompt = "a fox AND a hound";
    p.profile = LTD_PROFILE_A1111;
    p.guidance_end = 0.5;
    CHECK(!same_picture(&p, &plain));
    p = request(controls, 3);
    p.hr_scale = 2;
    CHECK(!same_picture(&p, &plain));
}

/* draw checks it. */
TEST(planned_bytes_are_used_bytes_whatever_the_base)
{
    static const struct {
        const char *dir, *nets, *names[3];
    } rows[] = {{FIXTURES "sd21/model", FIXTURES "controls-sd21/controlnets", {"file", "file"}},
                {FIXTURES "sdxl/model", FIXTURES "controls-xl/controlnets", {"original", "mid", "small"}}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_control controls[3];
        struct ltd_gen_params p;
        int count = 0;

        for (; count < 3 && rows[i].names[count]; count++)
            controls[count] = control_of(rows[i].names[count]);
        controls[0].end = 0.5;
        ltd_model_close(model);
        model = open_with_nets(rows[i].dir, rows[i].nets);
        p = request(controls, count);
        ltd_image_free(draw(&p));
    }
    ltd_model_close(model);
    model = NULL;
}

TEST(a_network_costs_what_it_is_run_for)
{
    struct ltd_control control = control_of("folder");
    const struct ltd_gen_params plain = request(NULL, 0), p = request(&control, 1);
    struct ltd_cost without = {0}, with = {0}, half = {0};

    REQUIRE(ltd_params_cost(model, &plain, 1, &without, NULL) == LTD_OK);
    REQUIRE(ltd_params_cost(model, &p, 1, &with, NULL) == LTD_OK);
    control.end = 0.4; /* two of five evaluations */
    REQUIRE(ltd_params_cost(model, &p, 1, &half, NULL) == LTD_OK);
    CHECK(with.step_flop > 1.2 * without.step_flop);
    CHECK(with.scratch_bytes > without.scratch_bytes);
    CHECK(half.step_flop > without.step_flop + 0.3 * (with.step_flop - without.step_flop));
    CHECK(half.step_flop < without.step_flop + 0.7 * (with.step_flop - without.step_flop));
}

TEST(an_interval_holds_whole_evaluations)
{
    struct ltd_control controls[] = {control_of("folder"), control_of("file")};
    const struct ltd_gen_params p = request(controls, 2);

    controls[0].end = 0.5;
    controls[1].start = 0.3;
    CHECK_INT(control_maps_active(&p, 0, 4), 1);
    CHECK_INT(control_maps_active(&p, 1, 4), 1); /* the second begins in the middle of it */
    CHECK_INT(control_maps_active(&p, 2, 4), 2);
    CHECK_INT(control_maps_active(&p, 3, 4), 2);
    controls[0].weight = 0;
    CHECK_INT(control_maps_active(&p, 0, 4), 0);
}

static void keep_message(void *arg, bool warning, const char *field, const char *message)
{
    char *text = arg;

    if (!warning && !*text)
        snprintf(text, 600, "%s: %s", field, message);
}

static void expect_refused(int line, const struct ltd_gen_params *p, const char *words)
{
    char text[600] = "";

    if (ltd_params_check(model, p, keep_message, text) || !strstr(text, words))
        check_failed(__FILE__, line, "'%s' has no '%s'", text, words);
}

TEST(a_request_is_refused_by_name)
{
    struct ltd_control control = control_of("folder");
    struct ltd_gen_params p = request(&control, 1), q;

    CHECK(ltd_params_check(model, &p, NULL, NULL));
    control.model = "nobody";
    expect_refused(__LINE__, &p,
                   "controls: there is no ControlNet \"nobody\"; this model has 3, the first \"file\"");
    control = control_of("folder");
    control.image = NULL;
    expect_refused(__LINE__, &p, "controls: must have an image");
    control = control_of("folder");
    control.weight = 11;
    expect_refused(__LINE__, &p, "controls: weights must be -10 to 10");
    control = control_of("folder");
    control.start = control.end;
    expect_refused(__LINE__, &p, "controls: must start at 0 or later");
    control = control_of("folder");
    control.low_threshold = 201;
    expect_refused(__LINE__, &p, "the low one not above the high one");
    control = control_of("folder");
    q = p;
    q.deepcache_interval = 2;
    expect_refused(__LINE__, &q, "deepcache_interval: must be 1 with controls");
    q = p;
    q.control_count = LTD_MAX_CONTROLS + 1;
    expect_refused(__LINE__, &q, "controls: must be 0 to 8");
}

TEST(a_network_for_another_model_is_refused_by_itself)
{
    static const struct {
        const char *dir, *why;
    } rows[] = {{FIXTURES "sdxl/model", "is made for another model: it has"},
                {FIXTURES "sd21/model", "is made for another model: it has 16 channels of text"},
                {FIXTURES "no-middle/model", "has no middle block, and takes no ControlNet"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *other = open_with_nets(rows[i].dir, NETS);

        CHECK_INT(ltd_model_control_net_count(other), 3);
        for (size_t k = 0; k < ltd_model_control_net_count(other); k++) {
            const struct ltd_control_net_info net = ltd_model_control_net(other, k);

            if (!net.refused || !strstr(net.refused, rows[i].why))
                check_failed(__FILE__, __LINE__, "%s in %s: %s", net.name, rows[i].dir, net.refused);
        }
        ltd_model_close(other);
    }
}
