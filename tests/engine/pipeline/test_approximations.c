/* test_approximations.c - what is asked for to be faster: off it changes nothing, on it does what it says. */
#include <latentd/cost.h>
#include <latentd/session.h>

#include "check.h"
#include "sessions.h"

static struct ltd_gen_params request(void)
{
    struct ltd_gen_params p = ltd_params_default(default_model());

    p.prompt = "3d tiger";
    p.negative_prompt = "ink";
    p.seed = 3;
    p.steps = 8;
    p.width = p.height = 24;
    return p;
}

static bool same_picture(const struct ltd_gen_params *p, const struct ltd_gen_params *q)
{
    struct ltd_image *a = draw_as_planned(__LINE__, default_model(), p, 1);
    struct ltd_image *b = draw_as_planned(__LINE__, default_model(), q, 1);
    const bool same = same_pixels(a, b);

    ltd_image_free(a);
    ltd_image_free(b);
    return same;
}

static struct ltd_cost cost_of(const struct ltd_gen_params *p)
{
    struct ltd_cost cost = {0};

    CHECK_INT(ltd_params_cost(default_model(), p, 2, &cost, NULL), LTD_OK);
    return cost;
}

TEST(guidance_in_no_step_is_no_guidance)
{
    struct ltd_gen_params none = request(), off = none;

    none.guidance_start = 0.5;
    none.guidance_end = 0.51;
    off.cfg_scale = 1;
    CHECK(same_picture(&none, &off));
    CHECK_NEAR(cost_of(&none).text_flop, cost_of(&off).text_flop, 0);
    CHECK_NEAR(cost_of(&none).step_flop, cost_of(&off).step_flop, 0);
}

TEST(guidance_in_an_interval_is_guidance_in_those_steps)
{
    struct ltd_gen_params whole = request(), off = whole;
    static const struct {
        double start, end;
        int steps; /* that have guidance */
    } rows[] = {{0, 0.5, 4}, {0.5, 1, 4}, {0.25, 0.76, 4}, {0, 0.99, 7}, {0.13, 1, 7}, {0.12, 0.2, 1}};

    off.cfg_scale = 1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_gen_params part = request();
        const double one = cost_of(&off).step_flop, two = cost_of(&whole).step_flop;

        part.guidance_start = rows[i].start;
        part.guidance_end = rows[i].end;
        CHECK_NEAR(cost_of(&part).step_flop, one + (two - one) * rows[i].steps / 8, 1e-3 * one);
        CHECK_NEAR(cost_of(&part).text_flop, cost_of(&whole).text_flop, 0);
        CHECK(!same_picture(&part, &whole) && !same_picture(&part, &off));
    }
}

TEST(a_deepcache_of_one_is_none)
{
    struct ltd_gen_params whole = request(), one = whole, two = whole;

    one.deepcache_interval = 1;
    two.deepcache_interval = 2;
    CHECK(same_picture(&whole, &one));
    CHECK(!same_picture(&whole, &two));
}

/* What a whole evaluation takes is known from an interval of 1; the rest follows from another one. */
TEST(deepcache_runs_the_whole_network_in_every_so_many_steps)
{
    struct ltd_gen_params p = request();
    static const struct {
        int interval, whole; /* of 8 steps */
    } rows[] = {{2, 4}, {3, 3}, {4, 2}, {5, 2}, {7, 2}, {8, 1}, {100, 1}};
    const double whole = cost_of(&p).step_flop;
    double shallow;

    p.deepcache_interval = 8;
    shallow = (8 * cost_of(&p).step_flop - whole) / 7;
    CHECK(shallow > 0 && shallow < 0.4 * whole);
    for (size_t i = 0; i < COUNT(rows); i++) {
        p.deepcache_interval = rows[i].interval;
        CHECK_NEAR(cost_of(&p).step_flop, (rows[i].whole * whole + (8 - rows[i].whole) * shallow) / 8,
                   1e-3 * whole);
    }
}

/* Where guidance begins nothing is known of the negative prompt; where it ends, enough is of the prompt. */
TEST(guidance_that_begins_takes_a_whole_evaluation)
{
    struct ltd_gen_params p = request(), late = p;
    double one, one_shallow, two;

    two = cost_of(&p).step_flop;
    p.deepcache_interval = 8;
    p.cfg_scale = 1;
    one_shallow = cost_of(&p).step_flop;
    p.deepcache_interval = 1;
    one = cost_of(&p).step_flop;
    one_shallow = (8 * one_shallow - one) / 7;
    /* Evaluations 3 and 4 have guidance; 0 and 4 would be whole. */
    late.guidance_start = 0.375;
    late.guidance_end = 0.625;
    late.deepcache_interval = 4;
    CHECK_NEAR(8 * cost_of(&late).step_flop, one + 2 * one_shallow + 2 * two + 3 * one_shallow, 1e-2 * one);
    /* Only 3 has, and the prompt's row of it serves those behind it. */
    late.guidance_end = 0.5;
    late.deepcache_interval = 8;
    CHECK_NEAR(8 * cost_of(&late).step_flop, one + 2 * one_shallow + two + 4 * one_shallow, 1e-2 * one);
    ltd_image_free(draw_as_planned(__LINE__, default_model(), &late, 1));
}
