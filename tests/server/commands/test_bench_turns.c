#include "commands/bench_turns.h"

#include "check.h"

TEST(the_middle_turn_is_told)
{
    struct bench_turn items[] = {{.seconds = 3}, {.seconds = 1}, {.seconds = 2}, {.seconds = 2}};
    struct bench_turns turns = {items, 0};

    CHECK(!bench_middle_turn(&turns));
    turns.count = 1;
    CHECK_NEAR(bench_middle_turn(&turns)->seconds, 3, 0);
    turns.count = 2;
    CHECK_NEAR(bench_middle_turn(&turns)->seconds, 1, 0);
    turns.count = 3;
    CHECK_NEAR(bench_middle_turn(&turns)->seconds, 2, 0);
    turns.count = 4;
    CHECK(bench_middle_turn(&turns) == &items[2]);
}

static void measure(const struct ltd_model *model, enum bench_only only, int rounds,
                    struct bench_result *result)
{
    struct ltd_gen_params params = ltd_params_default(model);
    struct ltd_session *session = NULL;
    struct ltd_error err = {.message = ""};

    params.sampler = LTD_SAMPLER_EULER;
    params.width = params.height = 32;
    params.cfg_scale = 7;
    *result = (struct bench_result){0};
    REQUIRE(ltd_session_new(model, 1, &session, &err) == LTD_OK);
    if (bench_measure(session, 1, &params, only, rounds, result, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    ltd_session_free(session);
}

static double flop_of(const struct bench_turn *turn)
{
    double flop = 0;

    for (size_t i = 0; i < turn->timings.count; i++)
        for (size_t k = 0; k < LTD_OPERATOR_COUNT; k++)
            flop += turn->timings.stages[i].kinds[k].flop;
    return flop;
}

TEST(as_many_turns_as_asked_for_of_what_is_asked_for)
{
    /* text, encode, step, decode */
    static const size_t want[][BENCH_PART_COUNT] = {[BENCH_ALL] = {1, 2, 2, 2},
                                                    [BENCH_ONLY_STEP] = {1, 0, 2, 0},
                                                    [BENCH_ONLY_DECODE] = {0, 0, 0, 2},
                                                    [BENCH_ONLY_ENCODE] = {0, 2, 0, 0}};
    struct ltd_model *model = NULL;
    struct ltd_error err;

    REQUIRE(ltd_model_open("models/default", &model, &err) == LTD_OK);
    for (size_t only = 0; only < COUNT(want); only++) {
        struct bench_result result;

        measure(model, (enum bench_only)only, 2, &result);
        CHECK(result.sgemm_flops > 0);
        for (size_t part = 0; part < BENCH_PART_COUNT; part++) {
            const struct bench_turns *turns = &result.parts[part];

            CHECK_INT(turns->count, want[only][part]);
            for (size_t i = 0; i < turns->count; i++) {
                CHECK(turns->items[i].seconds > 0);
                CHECK(flop_of(&turns->items[i]) > 0);
                CHECK_NEAR(flop_of(&turns->items[i]), flop_of(&turns->items[0]), 0);
            }
        }
        bench_result_fini(&result);
    }
    ltd_model_close(model);
}
