#include "commands/bench_report.h"

#include "check.h"

#include <stdlib.h>

/* Two stages, three kinds of operation; half a second between loops. */
static struct bench_turn example(void)
{
    struct bench_turn turn = {.seconds = 4};

    turn.timings.count = 2;
    turn.timings.stages[0] = (struct ltd_stage){.name = "in", .index = -1};
    turn.timings.stages[0].kinds[LTD_OPERATOR_CONV] = (struct ltd_timing){1, 50e9, 1};
    turn.timings.stages[1] = (struct ltd_stage){.name = "down", .index = 3};
    turn.timings.stages[1].kinds[LTD_OPERATOR_CONV] = (struct ltd_timing){2, 150e9, 7};
    turn.timings.stages[1].kinds[LTD_OPERATOR_NORM] = (struct ltd_timing){0.5, 0, 2};
    return turn;
}

static struct bench_report report_of(struct bench_result *result, struct bench_turn *turn)
{
    static const struct ltd_model_info model = {.dtype = "f16"};

    *result = (struct bench_result){.parts[BENCH_PART_STEP] = {turn, 1}, .sgemm_flops = 100e9};
    return (struct bench_report){.result = result,
                                 .model = &model,
                                 .threads = 2,
                                 .width = 64,
                                 .height = 32,
                                 .rounds = 1,
                                 .precision = LTD_PRECISION_BF16,
                                 .start_s = 0.25,
                                 .peak_rss_bytes = 3 << 20};
}

static double number(const struct ltd_json *object, const char *key)
{
    const struct ltd_json *value = ltd_json_get(object, key);

    if (ltd_json_type(value) != LTD_JSON_NUMBER)
        check_failed(__FILE__, __LINE__, "%s is no number", key);
    return ltd_json_number(value);
}

static void check_kinds(const struct ltd_json *kinds)
{
    const struct ltd_json *conv = ltd_json_first(kinds);

    CHECK_INT(ltd_json_size(kinds), LTD_OPERATOR_COUNT);
    CHECK_STR(ltd_json_string(ltd_json_get(conv, "operator")), "conv 3x3");
    CHECK_NEAR(number(conv, "seconds"), 3, 1e-12);
    CHECK_NEAR(number(conv, "share"), 0.75, 1e-12);
    CHECK_NEAR(number(conv, "gflop"), 200, 1e-9);
    CHECK_NEAR(number(conv, "gflops"), 200.0 / 3, 1e-9);
    CHECK_NEAR(number(conv, "share_of_sgemm"), 2.0 / 3, 1e-12);
}

static void check_stages(const struct ltd_json *stages)
{
    const struct ltd_json *down = ltd_json_next(ltd_json_first(stages));

    CHECK_INT(ltd_json_size(stages), 2);
    CHECK_STR(ltd_json_string(ltd_json_get(ltd_json_first(stages), "stage")), "in");
    CHECK_STR(ltd_json_string(ltd_json_get(down, "stage")), "down 3");
    CHECK_NEAR(number(down, "seconds"), 2.5, 1e-12);
    CHECK_NEAR(number(down, "gflops"), 60, 1e-9);
    CHECK_INT(ltd_json_size(ltd_json_get(down, "operators")), 2);
}

TEST(json_sums_up_by_kind_and_by_stage)
{
    struct bench_turn turn = example();
    struct bench_result result;
    const struct bench_report report = report_of(&result, &turn);
    struct ltd_json *json = bench_json(&report);
    const struct ltd_json *step = ltd_json_get(ltd_json_get(json, "parts"), "step");

    REQUIRE(json);
    CHECK_STR(ltd_json_string(ltd_json_get(json, "precision")), "bf16");
    CHECK_NEAR(number(json, "start_s"), 0.25, 0);
    CHECK_NEAR(number(json, "step_s"), 4, 0);
    CHECK(!ltd_json_get(json, "decode_s"));
    CHECK_NEAR(number(json, "sgemm_gflops"), 100, 1e-9);
    CHECK_NEAR(number(json, "peak_rss_bytes"), 3 << 20, 0);
    CHECK_NEAR(number(step, "gflops"), 50, 1e-9);
    CHECK_NEAR(number(step, "share_of_sgemm"), 0.5, 1e-12);
    CHECK_NEAR(number(step, "between_loops_s"), 0.5, 1e-12);
    CHECK_INT(ltd_json_size(ltd_json_get(step, "turns_s")), 1);
    check_kinds(ltd_json_get(step, "operators"));
    check_stages(ltd_json_get(step, "stages"));
    ltd_json_free(json);
}

TEST(text_tells_the_same)
{
    static const char *const parts[] = {
        "2 threads, 64x32 pixels, f16 weights, bf16, the middle of 1 round\n",
        "start                  0.2500 s\n",
        "sgemm                   100.0 GF/s\n",
        "peak memory               3.0 MiB\n",
        "step                   4.0000 s 100.0 %    50.0 GF/s   50.0 % of sgemm\n",
        "  conv 3x3             3.0000 s  75.0 %    66.7 GF/s   66.7 % of sgemm\n",
        "  between loops        0.5000 s  12.5 %\n",
        "  down 3               2.5000 s  62.5 %    60.0 GF/s   60.0 % of sgemm\n",
        "    norm               0.5000 s  12.5 %\n",
    };
    struct bench_turn turn = example();
    struct bench_result result;
    const struct bench_report report = report_of(&result, &turn);
    char text[4096];
    FILE *out = fmemopen(text, sizeof text, "w");

    REQUIRE(out);
    bench_print(out, &report);
    fclose(out);
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(text, parts[i]))
            check_failed(__FILE__, __LINE__, "no \"%s\" in:\n%s", parts[i], text);
    CHECK(!strstr(text, "decode"));
}
