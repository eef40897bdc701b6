#include "jobs/cost_model.h"

#include <math.h>

#include "check.h"

static const double speed = 1e11;

static struct job_cost cost_of_size(double work)
{
    return (struct job_cost){.count = 1, .evaluations = 10, .work = {[COST_STEP] = work, [COST_PNG] = 4096}};
}

static double step_of(const struct cost_model *model, double work)
{
    const struct job_cost cost = cost_of_size(work);
    struct cost_seconds seconds;

    cost_model_estimate(model, &cost, &seconds);
    return seconds.of[COST_STEP];
}

/* A job whose step took so many seconds. */
static void learn(struct cost_model *model, double work, double step_s)
{
    const struct job_cost cost = cost_of_size(work);
    const struct job_timings timings = {.sample_s = 10 * step_s};

    cost_model_learn(model, &cost, &timings);
}

TEST(what_never_ran_is_told_from_the_probe)
{
    const struct job_cost cost = {.count = 3, .evaluations = 10, .work = {1e9, 0, 1e10, 2e10, 4096}};
    struct cost_model *model = cost_model_new(1, speed);
    struct cost_seconds s;

    cost_model_estimate(model, &cost, &s);
    CHECK(s.of[COST_ENCODE] == 0);
    /* Between the probe's speed and half of it. */
    CHECK(s.of[COST_STEP] > 0.1 && s.of[COST_STEP] < 0.2);
    CHECK(s.of[COST_DECODE] > 0.2 && s.of[COST_DECODE] < 0.4);
    CHECK_NEAR(job_cost_total(&cost, &s),
               3 * (s.of[COST_TEXT] + 10 * s.of[COST_STEP] + s.of[COST_DECODE] + s.of[COST_PNG]), 1e-9);
    cost_model_free(model);
}

TEST(one_job_is_enough_to_know_its_size)
{
    struct cost_model *model = cost_model_new(1, speed);
    const unsigned version = cost_model_version(model);

    learn(model, 1e10, 0.7);
    CHECK(cost_model_version(model) != version);
    CHECK_NEAR(step_of(model, 1e10), 0.7, 1e-9);
    cost_model_free(model);
}

TEST(a_prompt_that_was_remembered_teaches_nothing_about_reading_one)
{
    const struct job_cost cost = {.count = 1, .evaluations = 10, .work = {1e9, 0, 1e10, 2e10, 4096}};
    struct job_timings timings = {.text_s = 0.5, .sample_s = 2, .decode_s = 0.4, .png_s = 0.01};
    struct cost_model *model = cost_model_new(1, speed);
    struct cost_seconds s;

    cost_model_learn(model, &cost, &timings);
    timings.text_s = 0.001;
    timings.recalled = true;
    for (int i = 0; i < 9; i++)
        cost_model_learn(model, &cost, &timings);
    cost_model_estimate(model, &cost, &s);
    CHECK_NEAR(s.of[COST_TEXT], 0.5, 1e-9);
    cost_model_free(model);
}

TEST(times_of_other_sizes_follow_from_those_that_are_known)
{
    struct cost_model *model = cost_model_new(1, speed);

    learn(model, 4e10, 2);
    CHECK(step_of(model, 8e10) > 3.8 && step_of(model, 8e10) <= 4);
    CHECK(step_of(model, 1e10) >= 0.5 && step_of(model, 1e10) < 0.6);
    learn(model, 1e10, 1);
    CHECK_NEAR(step_of(model, 1e10), 1, 1e-9);
    CHECK_NEAR(step_of(model, 2e10), sqrt(2), 1e-9);
    CHECK_NEAR(step_of(model, 4e10), 2, 1e-9);
    cost_model_free(model);
}

TEST(what_the_speed_does_not_explain_is_overhead)
{
    struct cost_model *model = cost_model_new(1, speed);

    /* The usual speed would take 0.012 s, so half of this is taken to be overhead. */
    learn(model, 1e9, 0.024);
    CHECK(step_of(model, 0.25e9) > 0.014 && step_of(model, 0.25e9) < 0.016);
    CHECK(step_of(model, 4e9) > 0.055 && step_of(model, 4e9) < 0.065);
    cost_model_free(model);
    /* One that is as fast as usual has none. */
    model = cost_model_new(1, speed);
    learn(model, 1e9, 0.011);
    CHECK_NEAR(step_of(model, 4e9), 0.044, 1e-9);
    cost_model_free(model);
}

TEST(images_and_evaluations_share_a_jobs_time)
{
    const struct job_cost cost = {.count = 2, .evaluations = 5, .work = {1e9, 1e9, 1e9, 1e9, 4096}};
    const struct job_timings timings = {
        .text_s = 2, .encode_s = 4, .sample_s = 30, .decode_s = 6, .png_s = 8};
    struct cost_model *model = cost_model_new(1, speed);
    struct cost_seconds s;

    cost_model_learn(model, &cost, &timings);
    cost_model_estimate(model, &cost, &s);
    CHECK_NEAR(s.of[COST_TEXT], 1, 1e-9);
    CHECK_NEAR(s.of[COST_ENCODE], 2, 1e-9);
    CHECK_NEAR(s.of[COST_STEP], 3, 1e-9);
    CHECK_NEAR(s.of[COST_DECODE], 3, 1e-9);
    CHECK_NEAR(s.of[COST_PNG], 4, 1e-9);
    CHECK_NEAR(job_cost_total(&cost, &s), 50, 1e-9);
    cost_model_free(model);
}

TEST(one_slow_job_does_not_spoil_what_is_known)
{
    struct cost_model *model = cost_model_new(1, speed);

    learn(model, 1e10, 5); /* the first: weights from the disk */
    learn(model, 1e10, 1);
    CHECK_NEAR(step_of(model, 1e10), 1, 1e-9);
    learn(model, 1e10, 1.1);
    learn(model, 1e10, 9);
    learn(model, 1e10, 1);
    CHECK_NEAR(step_of(model, 1e10), 1.1, 1e-9);
    for (int i = 0; i < 3; i++)
        learn(model, 1e10, 2); /* and the machine may have become slower */
    CHECK_NEAR(step_of(model, 1e10), 2, 1e-9);
    cost_model_free(model);
}

TEST(a_phase_that_never_ran_is_corrected_by_those_that_did)
{
    const struct job_cost cost = {.count = 1, .evaluations = 1, .work = {0, 1e10, 1e10, 0, 0}};
    struct cost_model *model = cost_model_new(1, speed);
    struct cost_seconds before, after;

    cost_model_estimate(model, &cost, &before);
    learn(model, 1e10, 3 * before.of[COST_STEP]);
    cost_model_estimate(model, &cost, &after);
    CHECK_NEAR(after.of[COST_ENCODE] / before.of[COST_ENCODE], 3, 1e-9);
    cost_model_free(model);
}

TEST(models_are_known_each_by_itself)
{
    const struct job_cost cost = {
        .model = 1, .count = 1, .evaluations = 1, .work = {[COST_STEP] = 1e10, [COST_PNG] = 4096}};
    struct cost_model *model = cost_model_new(2, speed);
    struct cost_seconds before, after;

    cost_model_estimate(model, &cost, &before);
    learn(model, 1e10, 50);
    cost_model_estimate(model, &cost, &after);
    CHECK_NEAR(after.of[COST_STEP], before.of[COST_STEP], 0);
    cost_model_free(model);
}

TEST(of_many_sizes_the_last_ones_are_known)
{
    struct cost_model *model = cost_model_new(1, speed);

    for (int i = 0; i < 100; i++)
        learn(model, 1e9 * (1 + i % 50), 1 + i % 50);
    for (int i = 45; i < 50; i++)
        CHECK_NEAR(step_of(model, 1e9 * (1 + i)), 1 + i, 1e-9);
    for (int i = 0; i < 50; i++)
        CHECK(step_of(model, 1e9 * (1 + i)) > 0.5 * (1 + i) && step_of(model, 1e9 * (1 + i)) < 2 * (1 + i));
    cost_model_free(model);
}
