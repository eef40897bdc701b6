#include "sampling/sampling.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "schedule_json.h"

#define STABLE_DIFFUSION \
    "'beta_start':0.00085,'beta_end':0.012,'beta_schedule':'scaled_linear','clip_sample':false"

enum { N = 4096, TRAIN = 1000 };

/* The network that is right for data from a normal distribution of this mean and deviation. */
struct gaussian {
    double mean, deviation;
    double level[TRAIN];
    size_t n;
    int calls, cancel_at, spoil_at; /* 0: never */
};

static void gaussian_init(struct gaussian *g, size_t n)
{
    double level = 1;

    *g = (struct gaussian){.mean = 0.75, .deviation = 0.5, .n = n};
    for (int t = 0; t < TRAIN; t++) {
        const double root = sqrt(0.00085) + (sqrt(0.012) - sqrt(0.00085)) * t / (TRAIN - 1);

        level *= 1 - root * root;
        g->level[t] = level;
    }
}

static bool predict(void *self, float *out, const float *x, double timestep)
{
    struct gaussian *g = self;
    const double level = g->level[(int)timestep];
    const double spread = level * g->deviation * g->deviation + 1 - level;

    if (++g->calls == g->cancel_at)
        return false;
    for (size_t i = 0; i < g->n; i++)
        out[i] = (float)(sqrt(1 - level) * ((double)x[i] - sqrt(level) * g->mean) / spread);
    if (g->calls == g->spoil_at)
        out[g->n - 1] = NAN;
    return true;
}

struct progress {
    int calls, last, total;
};

static void note_step(void *arg, int done, int total, const float *clean)
{
    struct progress *p = arg;

    p->calls++;
    p->last = done;
    p->total = total;
    CHECK(clean == NULL);
}

static struct sampling_plan *plan_of(const char *text, enum ltd_sampler sampler, enum ltd_scheduler scheduler,
                                     int steps, double strength, struct ltd_error *err)
{
    struct schedule_config *config = config_of(text, err);
    struct sampling_request asked = sampling_request_of(sampler, scheduler, steps);
    struct sampling_plan *plan = NULL;

    asked.strength = strength;
    if (config && sampling_plan_new(config, &asked, &plan, err) != LTD_OK)
        plan = NULL;
    schedule_config_free(config);
    return plan;
}

/* Runs g from noise [g->n]; x [g->n] becomes the end. */
static enum ltd_status run_plan(const struct sampling_plan *plan, struct gaussian *g, const float *noise,
                                float *x, struct progress *progress)
{
    const struct denoiser denoiser = {.predict = predict, .self = g};
    const struct sampling_watch watch = {.step = note_step, .arg = progress};
    float *scratch = malloc(sampling_plan_scratch(plan, g->n) * sizeof *scratch);
    struct torch_rng rng;
    struct ltd_error err;
    enum ltd_status status;

    if (!scratch)
        return LTD_ENOMEM;
    torch_rng_init(&rng, 11);
    memcpy(x, noise, g->n * sizeof *x);
    sampling_start_from_noise(plan, x, g->n);
    status = sampling_run(plan, &denoiser, &rng, x, g->n, scratch, progress ? &watch : NULL, &err);
    free(scratch);
    return status;
}

/* The largest error against the exact end of the probability flow, along which the distance from the mean
 * scales with the spread of the data and noise together.  dpmpp_2m ends at the smallest sigma: its step to
 * zero is of first order by design. */
static double flow_error(enum ltd_sampler sampler, int steps)
{
    static const float noise[4] = {-1.5F, -0.25F, 0.5F, 2.0F};
    const bool to_zero = sampler != LTD_SAMPLER_DPMPP_2M;
    const char *text = to_zero ? "{" STABLE_DIFFUSION ",'skip_prk_steps':true,'set_alpha_to_one':true}"
                               : "{" STABLE_DIFFUSION ",'final_sigmas_type':'sigma_min'}";
    struct gaussian g;
    struct ltd_error err;
    struct sampling_plan *plan = plan_of(text, sampler, LTD_SCHEDULER_TRAILING, steps, 1, &err);
    double sigma, last_level, last_sigma, error = 0;
    float x[4];

    gaussian_init(&g, 4);
    if (!plan || run_plan(plan, &g, noise, x, NULL) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "no run");
        sampling_plan_free(plan);
        return INFINITY;
    }
    sampling_plan_free(plan);
    sigma = sqrt(1 / g.level[TRAIN - 1] - 1);
    last_level = to_zero ? 1 : g.level[0];
    last_sigma = sqrt(1 / last_level - 1);
    for (int i = 0; i < 4; i++) {
        /* Euler starts at sigma noise, the others at a variance of one. */
        const double scale = sampler == LTD_SAMPLER_EULER ? sigma : sqrt(1 + sigma * sigma);
        const double shrink = hypot(g.deviation, last_sigma) / hypot(g.deviation, sigma);
        const double want = g.mean + ((double)noise[i] * scale - g.mean) * shrink;

        error = fmax(error, fabs((double)x[i] - sqrt(last_level) * want));
    }
    return error;
}

TEST(samplers_converge_to_the_exact_flow_at_their_order)
{
    static const struct {
        enum ltd_sampler sampler;
        double least_gain, bound; /* when the steps double, and at 200 steps */
    } cases[] = {
        {LTD_SAMPLER_DDIM, 1.8, 0.02},
        {LTD_SAMPLER_EULER, 1.8, 0.02},
        {LTD_SAMPLER_DPMPP_2M, 3, 0.005},
        {LTD_SAMPLER_PNDM, 1.8, 0.02},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const double coarse = flow_error(cases[i].sampler, 100), fine = flow_error(cases[i].sampler, 200);

        if (!(coarse / fine >= cases[i].least_gain && fine <= cases[i].bound))
            check_failed(__FILE__, __LINE__, "%s: %.4g at 100 steps, %.4g at 200",
                         ltd_sampler_name(cases[i].sampler), coarse, fine);
    }
}

TEST(ancestral_samples_have_the_mean_and_deviation_of_the_data)
{
    static float noise[N], x[N];
    struct gaussian g;
    struct ltd_error err;
    struct torch_rng rng;
    struct sampling_plan *plan =
        plan_of("{" STABLE_DIFFUSION "}", LTD_SAMPLER_EULER_A, LTD_SCHEDULER_TRAILING, 250, 1, &err);
    double sum = 0, squares = 0;

    REQUIRE(plan);
    gaussian_init(&g, N);
    torch_rng_init(&rng, 5);
    torch_rng_normal(&rng, noise, N);
    CHECK_INT(run_plan(plan, &g, noise, x, NULL), LTD_OK);
    sampling_plan_free(plan);
    for (int i = 0; i < N; i++) {
        sum += (double)x[i];
        squares += ((double)x[i] - g.mean) * ((double)x[i] - g.mean);
    }
    /* Four standard errors, and 1 % for the finite steps. */
    CHECK_NEAR(sum / N, g.mean, 4 * g.deviation / 64 + 0.0075);
    CHECK_NEAR(sqrt(squares / N), g.deviation, 4 * g.deviation / 90.5 + 0.005);
}

TEST(a_run_reports_each_evaluation_once)
{
    static const float noise[4] = {1, 2, 3, 4};
    struct progress progress = {0};
    struct gaussian g;
    struct ltd_error err;
    float x[4];
    struct sampling_plan *plan = plan_of("{" STABLE_DIFFUSION ",'skip_prk_steps':true}", LTD_SAMPLER_PNDM,
                                         LTD_SCHEDULER_MODEL, 10, 1, &err);

    REQUIRE(plan);
    gaussian_init(&g, 4);
    CHECK_INT(run_plan(plan, &g, noise, x, &progress), LTD_OK);
    CHECK_INT(progress.calls, 11);
    CHECK_INT(progress.last, 11);
    CHECK_INT(progress.total, sampling_plan_evaluations(plan));
    sampling_plan_free(plan);
}

TEST(a_canceled_run_says_so_and_stops)
{
    static const float noise[4] = {1, 2, 3, 4};
    struct progress progress = {0};
    struct gaussian g;
    struct ltd_error err;
    float x[4];
    struct sampling_plan *plan =
        plan_of("{" STABLE_DIFFUSION "}", LTD_SAMPLER_EULER, LTD_SCHEDULER_TRAILING, 10, 1, &err);

    REQUIRE(plan);
    gaussian_init(&g, 4);
    g.cancel_at = 4;
    CHECK_INT(run_plan(plan, &g, noise, x, &progress), LTD_ECANCELED);
    CHECK_INT(g.calls, 4);
    CHECK_INT(progress.calls, 3);
    sampling_plan_free(plan);
}

TEST(a_latent_that_is_not_finite_ends_every_sampler)
{
    static const float noise[5] = {1, 2, 3, 4, 5};

    for (int s = 0; s < LTD_SAMPLER_COUNT; s++) {
        struct gaussian g;
        struct ltd_error err;
        float x[5];
        struct sampling_plan *plan =
            plan_of("{" STABLE_DIFFUSION "}", (enum ltd_sampler)s, LTD_SCHEDULER_MODEL, 10, 1, &err);

        REQUIRE(plan);
        gaussian_init(&g, 5);
        g.spoil_at = 3;
        CHECK_INT(run_plan(plan, &g, noise, x, NULL), LTD_ENONFINITE);
        CHECK_INT(g.calls, 3);
        sampling_plan_free(plan);
    }
}

TEST(what_cannot_be_planned_is_refused_with_advice)
{
    static const struct {
        const char *text;
        enum ltd_sampler sampler;
        enum ltd_scheduler scheduler;
        int steps;
        double strength;
        const char *says;
    } cases[] = {
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 0, 1, "at least 1"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 10, 0, "strength"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 10, 1.01, "strength"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 10, NAN, "strength"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_PNDM, LTD_SCHEDULER_MODEL, 10, 0.05, "strength"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_EULER, LTD_SCHEDULER_MODEL, 1001, 1, "take fewer"},
        {"{" STABLE_DIFFUSION ",'steps_offset':1}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_LEADING, 1000, 1,
         "take fewer"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_PNDM, LTD_SCHEDULER_MODEL, 3, 1, "at least 4"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_TRAILING, 61, 1, "one more or one less"},
        {"{" STABLE_DIFFUSION ",'prediction_type':'sample'}", LTD_SAMPLER_EULER_A, LTD_SCHEDULER_MODEL, 10, 1,
         "another sampler"},
        {"{" STABLE_DIFFUSION ",'rescale_betas_zero_snr':true}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_TRAILING, 10,
         1, "leading"},
        {"{" STABLE_DIFFUSION ",'rescale_betas_zero_snr':true}", LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_KARRAS,
         30, 1, "take fewer"},
        {"{" STABLE_DIFFUSION "}", LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_LINSPACE, 1000, 1, "take fewer"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ltd_error err;
        struct sampling_plan *plan = plan_of(cases[i].text, cases[i].sampler, cases[i].scheduler,
                                             cases[i].steps, cases[i].strength, &err);

        CHECK(plan == NULL);
        CHECK_INT(err.status, LTD_EINVAL);
        if (!strstr(err.message, cases[i].says))
            check_failed(__FILE__, __LINE__, "case %zu does not say \"%s\": %s", i, cases[i].says,
                         err.message);
        sampling_plan_free(plan);
    }
}

TEST(strength_runs_the_last_steps)
{
    struct ltd_error err;
    struct sampling_plan *whole =
        plan_of("{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 20, 1, &err);
    struct sampling_plan *part =
        plan_of("{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 20, 0.29, &err);

    REQUIRE(whole && part);
    CHECK_INT(sampling_plan_evaluations(part), 5); /* int(20 * 0.29) */
    for (int e = 0; e < 5; e++)
        CHECK_NEAR(sampling_plan_timestep(part, e), sampling_plan_timestep(whole, 15 + e), 0);
    sampling_plan_free(whole);
    sampling_plan_free(part);
}
