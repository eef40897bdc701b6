#include "sampling/schedule_config.h"

#include "check.h"
#include "schedule_json.h"

static enum ltd_status read_status(const char *text, struct ltd_error *err)
{
    schedule_config_free(config_of(text, err));
    return err->status;
}

static enum ltd_status plan_status(const char *text, enum ltd_sampler sampler, enum ltd_scheduler scheduler,
                                   struct ltd_error *err)
{
    struct schedule_config *config = config_of(text, err);
    const struct sampling_request asked = sampling_request_of(sampler, scheduler, 10);
    struct sampling_plan *plan = NULL;
    enum ltd_status status = err->status;

    if (config)
        status = sampling_plan_new(config, &asked, &plan, err);
    sampling_plan_free(plan);
    schedule_config_free(config);
    return status;
}

TEST(a_config_names_its_class_sampler_and_prediction)
{
    struct ltd_error err;
    struct schedule_config *config =
        config_of("{'_class_name':'EulerAncestralDiscreteScheduler','prediction_type':'v_prediction'}", &err);

    REQUIRE(config);
    CHECK_STR(schedule_config_class(config), "EulerAncestralDiscreteScheduler");
    CHECK_STR(schedule_config_prediction(config), "v_prediction");
    CHECK_INT(schedule_config_sampler(config), LTD_SAMPLER_EULER_A);
    schedule_config_free(config);

    config = config_of("{'beta_schedule':'linear'}", &err);
    REQUIRE(config);
    CHECK_STR(schedule_config_class(config), "");
    CHECK_STR(schedule_config_prediction(config), "epsilon");
    CHECK_INT(schedule_config_sampler(config), -1);
    schedule_config_free(config);
}

TEST(a_foreign_class_is_read_when_it_has_betas)
{
    struct ltd_error err;

    CHECK_INT(read_status("{'_class_name':'DDPMScheduler','beta_schedule':'linear'}", &err), LTD_OK);
    CHECK_INT(read_status("{'_class_name':'FlowMatchEulerDiscreteScheduler','shift':3.0}", &err),
              LTD_EUNSUPPORTED);
    CHECK(strstr(err.message, "FlowMatchEulerDiscreteScheduler") != NULL);
}

TEST(malformed_values_are_refused_by_name)
{
    static const struct {
        const char *text, *named;
        enum ltd_status status;
    } cases[] = {
        {"[]", "scheduler_config.json", LTD_EFORMAT},
        {"{'beta_start':'x'}", "beta_start", LTD_EFORMAT},
        {"{'beta_start':0.1,'num_train_timesteps':1}", "num_train_timesteps", LTD_EFORMAT},
        {"{'beta_start':0.1,'num_train_timesteps':-5}", "num_train_timesteps", LTD_EFORMAT},
        {"{'beta_start':0.1,'num_train_timesteps':1e3}", "num_train_timesteps", LTD_EFORMAT},
        {"{'beta_start':0.1,'num_train_timesteps':2000000000}", "num_train_timesteps", LTD_EFORMAT},
        {"{'beta_start':0.1,'clip_sample':1}", "clip_sample", LTD_EFORMAT},
        {"{'beta_start':0.1,'steps_offset':null}", "steps_offset", LTD_EFORMAT},
        {"{'beta_start':0.1,'prediction_type':7}", "prediction_type", LTD_EFORMAT},
        {"{'beta_start':0.1,'trained_betas':[0.1]}", "trained_betas", LTD_EFORMAT},
        {"{'num_train_timesteps':2,'trained_betas':[0.1,'x']}", "trained_betas[1]", LTD_EFORMAT},
        {"{'beta_schedule':'laplace'}", "laplace", LTD_EUNSUPPORTED},
        {"{'beta_start':0.1,'prediction_type':'flow_prediction'}", "flow_prediction", LTD_EUNSUPPORTED},
        {"{'beta_start':0.1,'timestep_spacing':'uneven'}", "uneven", LTD_EUNSUPPORTED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ltd_error err;

        CHECK_INT(read_status(cases[i].text, &err), cases[i].status);
        if (!strstr(err.message, cases[i].named))
            check_failed(__FILE__, __LINE__, "%s is not named: %s", cases[i].named, err.message);
    }
}

TEST(a_key_that_is_not_built_is_refused_by_the_samplers_that_take_it)
{
    static const struct {
        const char *text, *named;
        enum ltd_sampler takes, ignores;
    } cases[] = {
        {"{'beta_start':0.001,'thresholding':true}", "thresholding", LTD_SAMPLER_DDIM, LTD_SAMPLER_EULER},
        {"{'beta_start':0.001,'use_flow_sigmas':true}", "use_flow_sigmas", LTD_SAMPLER_DPMPP_2M,
         LTD_SAMPLER_EULER},
        {"{'beta_start':0.001,'algorithm_type':'sde-dpmsolver'}", "algorithm_type", LTD_SAMPLER_DPMPP_2M,
         LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'predict_x0':false}", "predict_x0", LTD_SAMPLER_UNIPC, LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'algorithm_type':'new'}", "algorithm_type", LTD_SAMPLER_DPMPP_2M,
         LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'solver_type':'new'}", "solver_type", LTD_SAMPLER_DPMPP_2M, LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'solver_order':4}", "solver_order", LTD_SAMPLER_DPMPP_2M, LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'variance_type':'learned_range'}", "variance_type", LTD_SAMPLER_DPMPP_2M,
         LTD_SAMPLER_DDIM},
        {"{'beta_start':0.001,'final_sigmas_type':'new'}", "final_sigmas_type", LTD_SAMPLER_EULER,
         LTD_SAMPLER_EULER_A},
        {"{'beta_start':0.001,'interpolation_type':'new'}", "interpolation_type", LTD_SAMPLER_EULER,
         LTD_SAMPLER_DPMPP_2M},
        {"{'beta_start':0.001,'timestep_type':'new'}", "timestep_type", LTD_SAMPLER_EULER,
         LTD_SAMPLER_DPMPP_2M},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ltd_error err;

        CHECK_INT(plan_status(cases[i].text, cases[i].takes, LTD_SCHEDULER_MODEL, &err), LTD_EUNSUPPORTED);
        if (!strstr(err.message, cases[i].named))
            check_failed(__FILE__, __LINE__, "%s is not named: %s", cases[i].named, err.message);
        CHECK_INT(plan_status(cases[i].text, cases[i].ignores, LTD_SCHEDULER_MODEL, &err), LTD_OK);
    }
}

TEST(a_named_scheduler_replaces_the_sigma_schedule_of_the_config)
{
    const char *text = "{'beta_start':0.001,'use_beta_sigmas':true,'use_karras_sigmas':true}";
    struct ltd_error err;

    CHECK_INT(plan_status(text, LTD_SAMPLER_EULER, LTD_SCHEDULER_MODEL, &err), LTD_EINVAL);
    CHECK_INT(plan_status(text, LTD_SAMPLER_EULER, LTD_SCHEDULER_KARRAS, &err), LTD_OK);
    CHECK_INT(plan_status(text, LTD_SAMPLER_EULER, LTD_SCHEDULER_LEADING, &err), LTD_OK);
}

TEST(sigma_schedules_are_refused_by_samplers_without_sigmas)
{
    static const struct {
        enum ltd_sampler sampler;
        enum ltd_status status;
    } cases[] = {
        {LTD_SAMPLER_DDIM, LTD_EINVAL}, {LTD_SAMPLER_PNDM, LTD_EINVAL}, {LTD_SAMPLER_DDPM, LTD_EINVAL},
        {LTD_SAMPLER_LCM, LTD_EINVAL},  {LTD_SAMPLER_EULER_A, LTD_OK},  {LTD_SAMPLER_EULER, LTD_OK},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ltd_error err;

        CHECK_INT(plan_status("{'beta_start':0.001}", cases[i].sampler, LTD_SCHEDULER_KARRAS, &err),
                  cases[i].status);
        CHECK_INT(plan_status("{'beta_start':0.001}", cases[i].sampler, LTD_SCHEDULER_EXPONENTIAL, &err),
                  cases[i].status);
    }
}

TEST(a_corrected_config_is_that_of_the_stable_diffusion_pipeline)
{
    struct schedule_settings settings;
    struct ltd_error err;
    struct schedule_config *config =
        config_of("{'beta_start':0.001,'steps_offset':0,'clip_sample':true,'set_alpha_to_one':false}", &err);

    REQUIRE(config);
    schedule_config_correct(config);
    CHECK_INT(schedule_config_resolve(config, LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, &settings, &err),
              LTD_OK);
    CHECK_INT(setting_int(&settings, KEY_steps_offset), 1);
    CHECK(!setting_flag(&settings, KEY_clip_sample));
    CHECK(!setting_flag(&settings, KEY_set_alpha_to_one));
    schedule_config_free(config);
}

TEST(from_config_forgets_the_correction_of_an_absent_key)
{
    struct schedule_settings own, other, respaced;
    struct ltd_error err;
    struct schedule_config *config = config_of("{'_class_name':'DDIMScheduler'}", &err);

    REQUIRE(config);
    schedule_config_correct(config);
    CHECK_INT(schedule_config_resolve(config, LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL, &own, &err), LTD_OK);
    CHECK_INT(schedule_config_resolve(config, LTD_SAMPLER_PNDM, LTD_SCHEDULER_MODEL, &other, &err), LTD_OK);
    CHECK_INT(schedule_config_resolve(config, LTD_SAMPLER_DDIM, LTD_SCHEDULER_LEADING, &respaced, &err),
              LTD_OK);
    CHECK_INT(setting_int(&own, KEY_steps_offset), 1);
    CHECK(!setting_flag(&own, KEY_clip_sample));
    CHECK_INT(setting_int(&other, KEY_steps_offset), 0);
    CHECK_INT(setting_int(&respaced, KEY_steps_offset), 0);
    CHECK(setting_flag(&respaced, KEY_clip_sample));
    schedule_config_free(config);
}

TEST(every_name_is_found_again)
{
    for (int s = 0; s < LTD_SAMPLER_COUNT; s++)
        CHECK_INT(ltd_sampler_find(ltd_sampler_name((enum ltd_sampler)s)), s);
    for (int s = 0; s < LTD_SCHEDULER_COUNT; s++)
        CHECK_INT(ltd_scheduler_find(ltd_scheduler_name((enum ltd_scheduler)s)), s);
    for (int p = 0; p < LTD_PROFILE_COUNT; p++)
        CHECK_INT(ltd_profile_find(ltd_profile_name((enum ltd_profile)p)), p);
    for (int n = 0; n < LTD_NUMERICS_COUNT; n++)
        CHECK_INT(ltd_numerics_find(ltd_numerics_name((enum ltd_numerics)n)), n);
    CHECK_INT(ltd_sampler_find("Euler"), -1);
    CHECK_INT(ltd_scheduler_find(""), -1);
    CHECK_INT(ltd_profile_find("nobody"), -1);
    CHECK_INT(ltd_numerics_find("exact"), -1);
    for (int n = 0; n < LTD_PRECISION_COUNT; n++)
        CHECK_INT(ltd_precision_find(ltd_precision_name((enum ltd_precision)n)), n);
    CHECK_INT(ltd_precision_find("f16"), -1);
    CHECK_STR(ltd_sampler_label(LTD_SAMPLER_DPMPP_2M), "DPM++ 2M");
    CHECK_STR(ltd_scheduler_label(LTD_SCHEDULER_MODEL), "the model's own");
}
