/* test_sampling_clean.c - what the network means is what a watcher is told. */
#include "sampling/sampling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "schedule_json.h"

enum { N = 6, TRAIN = 1000 };

/* Whatever it is shown, this network says that the clean sample is data, a different one at each call. */
struct certain {
    const char *prediction;
    double level[TRAIN];
    double data[N];
    int calls, told;
};

static void next_data(struct certain *net)
{
    for (int i = 0; i < N; i++)
        net->data[i] = sin(net->calls * N + i);
}

/* The share of signal at a timestep, between two with sigma linear in its logarithm. */
static double level_at(const struct certain *net, double timestep)
{
    const int t = (int)fmin(timestep, TRAIN - 2);
    const double low = log(1 / net->level[t] - 1), high = log(1 / net->level[t + 1] - 1);

    return 1 / (1 + exp(low + (timestep - t) * (high - low)));
}

static bool predict(void *self, float *out, const float *x, double timestep)
{
    struct certain *net = self;
    const double level = level_at(net, timestep), alpha = sqrt(level), sigma = sqrt(1 - level);

    net->calls++;
    next_data(net);
    for (int i = 0; i < N; i++) {
        const double data = net->data[i], noise = ((double)x[i] - alpha * data) / sigma;

        if (strcmp(net->prediction, "epsilon") == 0)
            out[i] = (float)noise;
        else
            out[i] = (float)(strcmp(net->prediction, "sample") == 0 ? data : alpha * noise - sigma * data);
    }
    return true;
}

static void on_step(void *arg, int done, int total, const float *clean)
{
    struct certain *net = arg;

    (void)total;
    CHECK_INT(done, net->calls);
    REQUIRE(clean != NULL);
    for (int i = 0; i < N; i++)
        CHECK_NEAR(clean[i], net->data[i], 1e-4);
    net->told++;
}

static void check_sampler(enum ltd_sampler sampler, const char *prediction, const char *more)
{
    const atomic_bool wanted = true;
    struct certain net = {.prediction = prediction};
    const struct denoiser denoiser = {.predict = predict, .self = &net};
    float clean[N], x[N] = {0.3F, -1, 2, 0.1F, -0.2F, 1};
    const struct sampling_watch watch = {on_step, &net, &wanted, clean};
    struct schedule_config *config;
    const struct sampling_request asked = sampling_request_of(sampler, LTD_SCHEDULER_MODEL, 10);
    struct sampling_plan *plan = NULL;
    struct torch_rng rng;
    struct ltd_error err = {.message = ""};
    char text[512];
    float *scratch;
    double level = 1;

    for (int t = 0; t < TRAIN; t++) {
        const double root = sqrt(0.00085) + (sqrt(0.012) - sqrt(0.00085)) * t / (TRAIN - 1);

        net.level[t] = level *= 1 - root * root;
    }
    snprintf(text, sizeof text,
             "{'beta_start':0.00085,'beta_end':0.012,'beta_schedule':'scaled_linear','clip_sample':false,"
             "'prediction_type':'%s'%s}",
             prediction, more);
    config = config_of(text, &err);
    REQUIRE(config != NULL);
    if (sampling_plan_new(config, &asked, &plan, &err) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "%s of %s: %s", ltd_sampler_name(sampler), prediction, err.message);
        schedule_config_free(config);
        return;
    }
    scratch = malloc(sampling_plan_scratch(plan, N) * sizeof *scratch);
    torch_rng_init(&rng, 1);
    sampling_start_from_noise(plan, x, N);
    CHECK_INT(sampling_run(plan, &denoiser, &rng, x, N, scratch, &watch, &err), LTD_OK);
    CHECK_INT(net.told, sampling_plan_evaluations(plan));
    free(scratch);
    sampling_plan_free(plan);
    schedule_config_free(config);
}

static bool takes_sample(enum ltd_sampler sampler)
{
    switch (sampler) {
    case LTD_SAMPLER_PNDM:
    case LTD_SAMPLER_EULER_A:
    case LTD_SAMPLER_DPM2:
    case LTD_SAMPLER_DPM2_A:
    case LTD_SAMPLER_DPMPP_SDE:
        return false;
    default:
        return true;
    }
}

TEST(every_sampler_tells_the_clean_sample_that_the_network_means)
{
    static const char *const predictions[] = {"epsilon", "v_prediction", "sample"};

    for (int sampler = 0; sampler < LTD_SAMPLER_COUNT; sampler++)
        for (size_t i = 0; i < COUNT(predictions); i++)
            if (i < 2 || takes_sample((enum ltd_sampler)sampler))
                check_sampler((enum ltd_sampler)sampler, predictions[i], "");
    check_sampler(LTD_SAMPLER_PNDM, "epsilon", ",'skip_prk_steps':true");
}
