/* test_samplers.c - whole runs against the reference's samplers: tests/parity/fixtures/samplers/grid.json,
 * every sampler with every schedule, samplers.json, every key of a config, and webui.json, those that are
 * AUTOMATIC1111's in its profile. */
#include "sampling/sampling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "schedule_json.h"

enum { MAX_VALUES = 16, MAX_SCRATCH = 16 * MAX_VALUES };

/* The network of make_sampler_fixtures.py. */
struct stand_in {
    const char *prediction;
    size_t n;
};

static bool predict(void *self, float *out, const float *x, double timestep)
{
    const struct stand_in *net = self;
    const double u = timestep / 1000.0;

    for (size_t i = 0; i < net->n; i++) {
        const double v = (double)x[i];
        double y;

        if (strcmp(net->prediction, "epsilon") == 0)
            y = v * (0.15 + 0.85 * u) + 0.1 * (1 - u) * sin(2 * v + (double)i + 3 * u);
        else if (strcmp(net->prediction, "v_prediction") == 0)
            y = 0.6 * v * (1 - u) + 0.3 * sin(2 * v + (double)i + 3 * u);
        else
            y = 0.7 * v * (1 - u) + 0.4 * sin(v + (double)i + 2 * u);
        out[i] = (float)y;
    }
    return true;
}

struct fixture {
    float noise[MAX_VALUES], latent[MAX_VALUES];
    size_t n;
    uint64_t seed;
};

/* One row: what was asked, and what came out. */
struct run {
    int steps;
    double strength;
    bool from_latent;
    int evaluations;
    float want[MAX_VALUES];
};

static size_t read_floats(float *out, const struct ltd_json *first)
{
    size_t n = 0;

    for (const struct ltd_json *v = first; v && n < MAX_VALUES; v = ltd_json_next(v))
        out[n++] = (float)ltd_json_number(v);
    return n;
}

static struct run read_run(const struct ltd_json *row)
{
    const struct ltd_json *v = ltd_json_first(row);
    struct run run = {.steps = (int)ltd_json_number(v)};

    v = ltd_json_next(v);
    run.strength = ltd_json_number(v);
    v = ltd_json_next(v);
    run.from_latent = ltd_json_number(v) != 0;
    v = ltd_json_next(v);
    run.evaluations = (int)ltd_json_number(v);
    read_floats(run.want, ltd_json_next(v));
    return run;
}

static double number_or(const struct ltd_json *group, const char *key, double absent)
{
    const struct ltd_json *value = ltd_json_get(group, key);

    return value ? ltd_json_number(value) : absent;
}

static struct sampling_request read_request(const struct ltd_json *group, const struct run *run,
                                            uint64_t seed)
{
    const struct ltd_json *profile = ltd_json_get(group, "profile");
    struct sampling_request asked = sampling_request_of(
        (enum ltd_sampler)ltd_sampler_find(ltd_json_string(ltd_json_get(group, "sampler"))),
        (enum ltd_scheduler)ltd_scheduler_find(ltd_json_string(ltd_json_get(group, "scheduler"))),
        run->steps);

    asked.strength = run->strength;
    asked.seed = seed;
    asked.eta = number_or(group, "eta", asked.eta);
    asked.s_churn = number_or(group, "s_churn", 0);
    asked.s_tmin = number_or(group, "s_tmin", 0);
    asked.s_tmax = number_or(group, "s_tmax", 0);
    asked.s_noise = number_or(group, "s_noise", 1);
    if (profile)
        asked.profile = (enum ltd_profile)ltd_profile_find(ltd_json_string(profile));
    return asked;
}

static enum ltd_status draw(const struct sampling_plan *plan, const struct schedule_config *config,
                            const struct fixture *f, bool from_latent, float *x)
{
    struct stand_in net = {.prediction = schedule_config_prediction(config), .n = f->n};
    const struct denoiser denoiser = {.predict = predict, .self = &net};
    float scratch[MAX_SCRATCH];
    struct torch_rng rng;
    struct ltd_error err;

    if (sampling_plan_scratch(plan, f->n) > MAX_SCRATCH)
        return LTD_ETOOBIG;
    torch_rng_init(&rng, f->seed);
    memcpy(x, from_latent ? f->latent : f->noise, f->n * sizeof *x);
    if (from_latent)
        sampling_start_from_latent(plan, x, f->noise, f->n);
    else
        sampling_start_from_noise(plan, x, f->n);
    return sampling_run(plan, &denoiser, &rng, x, f->n, scratch, NULL, &err);
}

static void describe(char *text, size_t size, const struct ltd_json *group, const struct run *run)
{
    char *config = ltd_json_print(ltd_json_get(group, "config"), false);

    snprintf(text, size, "%s %s, %d steps, strength %g%s, %.400s",
             ltd_json_string(ltd_json_get(group, "sampler")),
             ltd_json_string(ltd_json_get(group, "scheduler")), run->steps, run->strength,
             run->from_latent ? " from a latent" : "", config ? config : "");
    free(config);
}

static void check_run(const struct ltd_json *group, const struct schedule_config *config,
                      const struct fixture *f, const struct run *run)
{
    struct sampling_plan *plan = NULL;
    struct ltd_error err = {.status = LTD_OK};
    float x[MAX_VALUES];
    char what[600];
    const struct sampling_request asked = read_request(group, run, f->seed);
    enum ltd_status status = sampling_plan_new(config, &asked, &plan, &err);

    describe(what, sizeof what, group, run);
    if (status != LTD_OK) {
        if (run->evaluations >= 0)
            check_failed(__FILE__, __LINE__, "%s: refused: %s", what, err.message);
        else if (status != LTD_EINVAL)
            check_failed(__FILE__, __LINE__, "%s: %s", what, ltd_status_name(status));
        return;
    }
    if (run->evaluations == -1)
        check_failed(__FILE__, __LINE__, "%s: the reference cannot run this", what);
    status = draw(plan, config, f, run->from_latent, x);
    if (run->evaluations == -2 && status != LTD_ENONFINITE)
        check_failed(__FILE__, __LINE__, "%s: the reference is not finite: %s", what,
                     ltd_status_name(status));
    if (run->evaluations > 0) {
        const double error = check_relative_error(x, run->want, f->n);

        CHECK_INT(status, LTD_OK);
        if (sampling_plan_evaluations(plan) != run->evaluations)
            check_failed(__FILE__, __LINE__, "%s: %d evaluations, not %d", what,
                         sampling_plan_evaluations(plan), run->evaluations);
        else if (!(error <= 1e-5))
            check_failed(__FILE__, __LINE__, "%s: off by %.3g", what, error);
    }
    sampling_plan_free(plan);
}

static void check_timesteps(const struct ltd_json *root, const struct ltd_json *group,
                            const struct schedule_config *config, const struct fixture *f)
{
    const struct ltd_json *t = ltd_json_first(ltd_json_get(group, "timesteps"));
    const struct run run = {.steps = (int)ltd_json_number(ltd_json_get(root, "timestep_steps")),
                            .strength = 1};
    const struct sampling_request asked = read_request(group, &run, f->seed);
    struct sampling_plan *plan = NULL;
    struct ltd_error err;
    char what[600];

    describe(what, sizeof what, group, &run);
    if (sampling_plan_new(config, &asked, &plan, &err) != LTD_OK)
        return;
    for (int e = 0; t && e < sampling_plan_evaluations(plan); e++, t = ltd_json_next(t)) {
        const double want = ltd_json_number(t), got = sampling_plan_timestep(plan, e);

        if (!(fabs(got - want) <= 1e-6 * fmax(1, fabs(want))))
            check_failed(__FILE__, __LINE__, "%s: timestep %d is %.9g, not %.9g", what, e, got, want);
    }
    sampling_plan_free(plan);
}

static void check_group(const struct ltd_json *root, const struct ltd_json *group, const struct fixture *f,
                        int *runs)
{
    const struct ltd_json *rows = ltd_json_get(group, "rows");
    struct schedule_config *config = NULL;
    struct ltd_error err;

    if (schedule_config_read(ltd_json_get(group, "config"), &config, &err) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "%s", err.message);
        return;
    }
    check_timesteps(root, group, config, f);
    for (const struct ltd_json *row = ltd_json_first(rows); row; row = ltd_json_next(row)) {
        const struct run run = read_run(row);

        check_run(group, config, f, &run);
        ++*runs;
    }
    schedule_config_free(config);
}

static struct ltd_json *open_runs(const char *path, struct fixture *f)
{
    struct ltd_json *root = NULL;
    struct ltd_error err;

    if (ltd_json_read_file(path, 1 << 20, &root, &err) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "%s", err.message);
        return NULL;
    }
    f->n = read_floats(f->noise, ltd_json_first(ltd_json_get(root, "noise")));
    read_floats(f->latent, ltd_json_first(ltd_json_get(root, "latent")));
    CHECK(ltd_json_uint64(ltd_json_get(root, "seed"), &f->seed));
    return root;
}

static bool is_of(const struct ltd_json *group, const char *key, const char *name)
{
    return strcmp(ltd_json_string(ltd_json_get(group, key)), name) == 0;
}

static void check_sampler(const char *sampler, int least)
{
    struct fixture f = {0};
    struct ltd_json *root = open_runs("tests/parity/fixtures/samplers/samplers.json", &f);
    int runs = 0;

    REQUIRE(root);
    for (const struct ltd_json *g = ltd_json_first(ltd_json_get(root, "groups")); g; g = ltd_json_next(g))
        if (is_of(g, "sampler", sampler))
            check_group(root, g, &f, &runs);
    if (runs < least)
        check_failed(__FILE__, __LINE__, "only %d runs of %s", runs, sampler);
    ltd_json_free(root);
}

/* A schedule without a run in the fixture is one that the sampler does not take. */
static void check_refused(enum ltd_sampler sampler, enum ltd_scheduler scheduler)
{
    struct sampling_plan *plan = NULL;
    struct ltd_error err;
    struct schedule_config *config = config_of("{'beta_start':0.00085,'beta_end':0.012}", &err);
    const struct sampling_request asked = sampling_request_of(sampler, scheduler, 10);

    REQUIRE(config);
    if (sampling_plan_new(config, &asked, &plan, &err) != LTD_EINVAL ||
        !strstr(err.message, ltd_scheduler_name(scheduler)))
        check_failed(__FILE__, __LINE__, "%s with %s has no run to compare with", ltd_sampler_name(sampler),
                     ltd_scheduler_name(scheduler));
    sampling_plan_free(plan);
    schedule_config_free(config);
}

static void check_schedules(enum ltd_sampler sampler)
{
    struct fixture f = {0};
    struct ltd_json *root = open_runs("tests/parity/fixtures/samplers/grid.json", &f);

    REQUIRE(root);
    for (int s = 0; s < LTD_SCHEDULER_COUNT; s++) {
        int runs = 0;

        for (const struct ltd_json *g = ltd_json_first(ltd_json_get(root, "groups")); g; g = ltd_json_next(g))
            if (is_of(g, "sampler", ltd_sampler_name(sampler)) &&
                is_of(g, "scheduler", ltd_scheduler_name((enum ltd_scheduler)s)))
                check_group(root, g, &f, &runs);
        if (runs == 0)
            check_refused(sampler, (enum ltd_scheduler)s);
    }
    ltd_json_free(root);
}

#define SAMPLER(id, name, label, reference, keys, takes, noise, eta) \
    TEST(name##_ends_where_its_reference_ends_in_every_schedule)     \
    {                                                                \
        check_schedules(LTD_SAMPLER_##id);                           \
    }
#include <latentd/samplers.def>
#undef SAMPLER

TEST(noise_on_the_way_is_k_diffusions)
{
    struct fixture f = {0};
    struct ltd_json *root = open_runs("tests/parity/fixtures/samplers/webui.json", &f);
    int runs = 0;

    REQUIRE(root);
    for (const struct ltd_json *g = ltd_json_first(ltd_json_get(root, "groups")); g; g = ltd_json_next(g))
        check_group(root, g, &f, &runs);
    CHECK(runs >= 180);
    ltd_json_free(root);
}

/* The last clean values of a run by a sampler of that name with this eta. */
static void end_of(enum ltd_sampler sampler, double eta, float x[3])
{
    const struct fixture f = {.noise = {1, -0.5F, 2}, .n = 3, .seed = 1};
    struct sampling_request asked = sampling_request_of(sampler, LTD_SCHEDULER_KARRAS, 9);
    struct sampling_plan *plan = NULL;
    struct ltd_error err;
    struct schedule_config *config = config_of("{'beta_start':0.00085,'beta_end':0.012}", &err);

    asked.eta = eta;
    REQUIRE(config);
    REQUIRE(sampling_plan_new(config, &asked, &plan, &err) == LTD_OK);
    CHECK_INT(draw(plan, config, &f, false, x), LTD_OK);
    sampling_plan_free(plan);
    schedule_config_free(config);
}

TEST(dpmpp_2m_sde_without_its_noise_is_dpmpp_2m)
{
    float x[3] = {0}, want[3] = {0};

    end_of(LTD_SAMPLER_DPMPP_2M_SDE, 0, x);
    end_of(LTD_SAMPLER_DPMPP_2M, LTD_ETA_STANDARD, want);
    CHECK(check_relative_error(x, want, 3) <= 1e-5);
    end_of(LTD_SAMPLER_DPMPP_2M_SDE, 1, x);
    CHECK(check_relative_error(x, want, 3) > 1e-2);
}

TEST(ddim_reads_its_config_as_diffusers_does)
{
    check_sampler("ddim", 700);
}

TEST(pndm_reads_its_config_as_diffusers_does)
{
    check_sampler("pndm", 700);
}

TEST(euler_reads_its_config_as_diffusers_does)
{
    check_sampler("euler", 1400);
}

TEST(euler_a_reads_its_config_as_diffusers_does)
{
    check_sampler("euler_a", 700);
}

TEST(dpmpp_2m_reads_its_config_as_diffusers_does)
{
    check_sampler("dpmpp_2m", 1400);
}
