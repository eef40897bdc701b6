#include "sampling/noise_schedule.h"

#include <math.h>

#include "check.h"
#include "schedule_json.h"

#define STABLE_DIFFUSION "'beta_start':0.00085,'beta_end':0.012,'beta_schedule':'scaled_linear'"

/* The schedule as `sampler` sees it; the caller calls noise_schedule_fini. */
static enum ltd_status schedule_of(const char *text, enum ltd_sampler sampler, struct noise_schedule *noise)
{
    struct schedule_settings settings;
    struct ltd_error err;
    struct schedule_config *config = config_of(text, &err);
    enum ltd_status status = err.status;

    if (config)
        status = schedule_config_resolve(config, sampler, LTD_SCHEDULER_MODEL, &settings, &err);
    if (status == LTD_OK)
        status = noise_schedule_init(noise, &settings, &err);
    schedule_config_free(config);
    return status;
}

/* The definitions, in f64. */
static double beta_linear(int t, int count)
{
    return 0.0001 + (0.02 - 0.0001) * t / (count - 1);
}

static double beta_scaled_linear(int t, int count)
{
    const double root = sqrt(0.00085) + (sqrt(0.012) - sqrt(0.00085)) * t / (count - 1);

    return root * root;
}

static double beta_squared_cosine(int t, int count)
{
    const double from = cos(((double)t / count + 0.008) / 1.008 * M_PI / 2);
    const double to = cos(((double)(t + 1) / count + 0.008) / 1.008 * M_PI / 2);

    return fmin(1 - to * to / (from * from), 0.999);
}

TEST(noise_levels_agree_with_their_definitions)
{
    static const struct {
        const char *config;
        double (*beta)(int t, int count);
        int count;
    } cases[] = {
        {"{'beta_schedule':'linear'}", beta_linear, 1000},
        {"{" STABLE_DIFFUSION "}", beta_scaled_linear, 1000},
        {"{" STABLE_DIFFUSION ",'num_train_timesteps':37}", beta_scaled_linear, 37},
        {"{'beta_schedule':'squaredcos_cap_v2'}", beta_squared_cosine, 1000},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct noise_schedule noise = {0};
        double level = 1, variance = 0;

        REQUIRE(schedule_of(cases[i].config, LTD_SAMPLER_DDIM, &noise) == LTD_OK);
        CHECK_INT(noise.count, cases[i].count);
        for (int t = 0; t < noise.count; t++) {
            const double kept = 1 - cases[i].beta(t, cases[i].count);

            level *= kept;
            /* 1 - beta is rounded to f32 once a timestep: half a unit of 2^-24. */
            variance += pow(0x1p-25 / kept, 2);
            CHECK_NEAR(noise.alphas_cumprod[t], level, (4 * sqrt(variance) + 0x1p-24) * level);
        }
        noise_schedule_fini(&noise);
    }
}

TEST(forward_noising_agrees_with_its_closed_form)
{
    struct schedule_config *config;
    struct ltd_error err;

    config = config_of("{'_class_name':'DDIMScheduler','timestep_spacing':'trailing','clip_sample':false," //
                       STABLE_DIFFUSION "}",
                       &err);
    REQUIRE(config);
    for (int run = 1; run < 1000; run += 37) {
        const float noise[4] = {0.5F, -2.25F, 1.0F, -0.125F};
        const float clean[4] = {-1.5F, 0.75F, 3.0F, 0.0F};
        struct sampling_request asked = sampling_request_of(LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, 1000);
        struct sampling_plan *plan = NULL;
        double level = 1;
        float x[4];

        /* A strength of run / 1000 begins at timestep run - 1. */
        asked.strength = (run + 0.5) / 1000;
        REQUIRE(sampling_plan_new(config, &asked, &plan, &err) == LTD_OK);
        CHECK_INT(sampling_plan_timestep(plan, 0), run - 1);
        for (int t = 0; t < run; t++)
            level *= 1 - beta_scaled_linear(t, 1000);
        memcpy(x, clean, sizeof x);
        sampling_start_from_latent(plan, x, noise, 4);
        for (int i = 0; i < 4; i++) {
            const double want = sqrt(level) * (double)clean[i] + sqrt(1 - level) * (double)noise[i];

            CHECK_NEAR(x[i], want, 1e-6 * (fabs((double)clean[i]) + fabs((double)noise[i])));
        }
        sampling_plan_free(plan);
    }
    schedule_config_free(config);
}

TEST(zero_terminal_snr_keeps_the_first_level_and_ends_without_signal)
{
    struct noise_schedule plain = {0}, rescaled = {0};

    REQUIRE(schedule_of("{" STABLE_DIFFUSION "}", LTD_SAMPLER_DDIM, &plain) == LTD_OK);
    REQUIRE(schedule_of("{" STABLE_DIFFUSION ",'rescale_betas_zero_snr':true}", LTD_SAMPLER_DDIM,
                        &rescaled) == LTD_OK);
    CHECK_NEAR(rescaled.alphas_cumprod[0], plain.alphas_cumprod[0], 1e-7);
    CHECK(rescaled.alphas_cumprod[999] == 0.0F);
    for (int t = 1; t < 1000; t++) {
        const double first = sqrt((double)plain.alphas_cumprod[0]),
                     last = sqrt((double)plain.alphas_cumprod[999]);
        const double root = (sqrt((double)plain.alphas_cumprod[t]) - last) * first / (first - last);

        /* The difference of two roots near 0.07, each rounded to half a unit of 2^-27, and the product's
         * drift. */
        CHECK_NEAR(rescaled.alphas_cumprod[t], root * root, 2 * root * 0x1p-26 + 4e-6 * root * root);
    }
    noise_schedule_fini(&plain);
    noise_schedule_fini(&rescaled);
}

TEST(pndm_does_not_know_zero_terminal_snr)
{
    struct noise_schedule noise = {0};

    REQUIRE(schedule_of("{" STABLE_DIFFUSION ",'rescale_betas_zero_snr':true}", LTD_SAMPLER_PNDM, &noise) ==
            LTD_OK);
    CHECK(noise.alphas_cumprod[999] > 0.004F);
    noise_schedule_fini(&noise);
}

TEST(trained_betas_are_used_as_they_stand)
{
    struct noise_schedule noise = {0};

    REQUIRE(schedule_of("{'num_train_timesteps':3,'trained_betas':[0.5,0.25,0.5]}", LTD_SAMPLER_EULER,
                        &noise) == LTD_OK);
    CHECK_NEAR(noise.alphas_cumprod[0], 0.5, 0);
    CHECK_NEAR(noise.alphas_cumprod[1], 0.375, 0);
    CHECK_NEAR(noise.alphas_cumprod[2], 0.1875, 0);
    CHECK_NEAR(noise_schedule_sigma(&noise, 0), 1, 0);
    noise_schedule_fini(&noise);
}

TEST(betas_that_make_no_schedule_are_refused)
{
    static const char *const configs[] = {
        "{'num_train_timesteps':2,'trained_betas':[0.5,-0.5]}",
        "{'num_train_timesteps':2,'trained_betas':[0.5,1.5]}",
        "{'beta_schedule':'scaled_linear','beta_start':-1}",
        "{'beta_schedule':'linear','beta_end':1e300}",
        "{'beta_schedule':'linear','beta_start':0}",
    };

    for (size_t i = 0; i < COUNT(configs); i++) {
        struct noise_schedule noise = {0};

        CHECK_INT(schedule_of(configs[i], LTD_SAMPLER_EULER, &noise), LTD_EFORMAT);
        CHECK(noise.alphas_cumprod == NULL);
        noise_schedule_fini(&noise);
    }
}
