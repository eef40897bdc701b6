/*
 * dpmpp_2m.c - DPM-Solver++, multistep, of order 1 to 3 (Lu et al. 2022, arXiv 2211.01095): an exponential
 * integrator in half the log SNR, lambda = log(alpha / sigma), of what the network says the clean sample is.
 */
#include "sampling/sampler_table.h"

#include <math.h>
#include <stdlib.h>

#include "sampling/sigmas.h"
#include "sampling/spacing.h"

enum { FEW_STEPS = 15 }; /* below: lower_order_final applies */

struct draft {
    int count;         /* timesteps */
    double *timesteps; /* [steps] */
    double *sigmas;    /* [steps] */
    float *rounded;    /* [steps + 1], ends with the final sigma */
};

static void draft_fini(struct draft *draft)
{
    free(draft->timesteps);
    free(draft->sigmas);
    free(draft->rounded);
}

static enum ltd_status draft_init(struct draft *draft, int steps, struct ltd_error *err)
{
    const size_t count = (size_t)steps;

    *draft = (struct draft){.timesteps = calloc(count, sizeof *draft->timesteps),
                            .sigmas = calloc(count, sizeof *draft->sigmas),
                            .rounded = calloc(count + 1, sizeof *draft->rounded)};
    if (draft->timesteps && draft->sigmas && draft->rounded)
        return LTD_OK;
    draft_fini(draft);
    return ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", steps);
}

/* lambda_min_clipped keeps the noisy end of a cosine schedule out: how many training timesteps are left. */
static int usable_timesteps(const struct plan_request *request)
{
    const float bound = (float)request->settings->value[KEY_lambda_min_clipped];
    int count = request->noise->count;

    for (int t = 0; t < request->noise->count; t++) {
        const float level = request->noise->alphas_cumprod[t];

        if (logf(sqrtf(level)) - logf(sqrtf(1.0F - level)) < bound)
            count--;
    }
    return count;
}

/* Fills sigmas from one of the schedules that replace the spacing; false when none of them is set. */
static bool replace_sigmas(struct draft *draft, const struct plan_request *request,
                           const struct sigma_table *table)
{
    const struct schedule_settings *settings = request->settings;
    const int last = table->count - 1;
    double max = settings->value[KEY_sigma_max], min = settings->value[KEY_sigma_min];

    max = isnan(max) ? (double)table->sigma[last] : max;
    min = isnan(min) ? (double)table->sigma[0] : min;
    if (setting_flag(settings, KEY_use_karras_sigmas)) {
        sigmas_karras(draft->sigmas, request->steps, max, min);
    } else if (setting_flag(settings, KEY_use_lu_lambdas)) {
        const double from = (double)table->log_sigma[last], to = (double)table->log_sigma[0];

        for (int i = 0; i < request->steps; i++)
            draft->sigmas[i] = exp(from + numpy_linspace(0, 1, request->steps, i) * (to - from));
    } else if (setting_flag(settings, KEY_use_exponential_sigmas)) {
        sigmas_exponential(draft->sigmas, request->steps, max, min);
    } else {
        return false;
    }
    return true;
}

/* The timesteps of replaced sigmas are whole: rounded, or cut off where the reference does not round them. */
static void timesteps_of_sigmas(struct draft *draft, const struct plan_request *request,
                                const struct sigma_table *table)
{
    const struct schedule_settings *settings = request->settings;
    const bool rounds =
        (setting_flag(settings, KEY_use_karras_sigmas) || setting_flag(settings, KEY_use_lu_lambdas)) &&
        setting_int(settings, KEY_beta_schedule) != BETAS_SQUARED_COSINE;

    draft->count = request->steps;
    for (int i = 0; i < draft->count; i++) {
        const double t = sigma_to_timestep(table, draft->sigmas[i]);

        draft->timesteps[i] = rounds ? rint(t) : trunc(t);
    }
}

static enum ltd_status draft_schedule(struct draft *draft, const struct plan_request *request,
                                      struct ltd_error *err)
{
    struct sigma_table table = {0};
    const int usable = usable_timesteps(request);
    enum ltd_status status;

    if (usable < 1)
        return ltd_fail(err, LTD_EFORMAT, "scheduler_config.json: lambda_min_clipped leaves no timestep");
    status =
        space_open_timesteps(request->settings, usable, request->steps, draft->timesteps, &draft->count, err);
    if (status == LTD_OK)
        status = sigma_table_init(&table, request->noise, err);
    if (status != LTD_OK)
        return status;
    if (replace_sigmas(draft, request, &table))
        timesteps_of_sigmas(draft, request, &table);
    else
        for (int i = 0; i < draft->count; i++)
            draft->sigmas[i] = sigma_at_timestep(&table, draft->timesteps[i]);
    for (int i = 0; i < draft->count; i++)
        draft->rounded[i] = (float)draft->sigmas[i];
    draft->rounded[draft->count] =
        setting_int(request->settings, KEY_final_sigmas_type) == FINAL_SIGMA_MIN ? table.sigma[0] : 0;
    sigma_table_fini(&table);
    return LTD_OK;
}

static int order_of(const struct schedule_settings *settings, int count, int i, int known)
{
    const int order = setting_int(settings, KEY_solver_order);
    const bool lower = setting_flag(settings, KEY_lower_order_final) && count < FEW_STEPS;
    const bool plain_last = lower || setting_flag(settings, KEY_euler_at_final) ||
                            setting_int(settings, KEY_final_sigmas_type) == FINAL_ZERO;

    if (order == 1 || known < 1 || (i == count - 1 && plain_last))
        return 1;
    if (order == 2 || known < 2 || (i == count - 2 && lower))
        return 2;
    return 3;
}

static struct signal_level level_of(float sigma)
{
    const float alpha = 1.0F / sqrtf(sigma * sigma + 1.0F);

    return (struct signal_level){.alpha = alpha, .sigma = sigma * alpha};
}

static float lambda_of(struct signal_level level)
{
    return logf(level.alpha) - logf(level.sigma);
}

/* sigmas points at this step's; those of the steps before stand before it. */
static struct dpm_step plan_step(const float *sigmas, int order, bool heun)
{
    const struct signal_level here = level_of(sigmas[0]), after = level_of(sigmas[1]);
    const float lambda = lambda_of(here), h = lambda_of(after) - lambda;
    const float decay = expf(-h) - 1.0F;
    struct dpm_step s = {.order = order};
    float lambda_before, r0, r1;

    s.sample_scale = after.sigma / here.sigma;
    s.data_scale = after.alpha * decay;
    if (order == 1)
        return s;
    lambda_before = lambda_of(level_of(sigmas[-1]));
    r0 = (lambda - lambda_before) / h;
    s.inverse_r0 = 1.0F / r0;
    s.slope_scale = heun || order == 3 ? after.alpha * (decay / h + 1.0F) : -0.5F * s.data_scale;
    if (order == 2)
        return s;
    r1 = (lambda_before - lambda_of(level_of(sigmas[-2]))) / h;
    s.inverse_r1 = 1.0F / r1;
    s.slope_blend = r0 / (r0 + r1);
    s.curve_blend = 1.0F / (r0 + r1);
    s.curve_scale = after.alpha * ((decay + h) / (h * h) - 0.5F);
    return s;
}

static bool usable(const struct dpm_step *s)
{
    return isfinite(s->sample_scale) && isfinite(s->data_scale) && isfinite(s->slope_scale) &&
           isfinite(s->curve_scale) && isfinite(s->inverse_r0) && isfinite(s->inverse_r1) &&
           isfinite(s->slope_blend) && isfinite(s->curve_blend);
}

static enum ltd_status fill_steps(struct sampling_plan *plan, const struct plan_request *request,
                                  const struct draft *draft, struct ltd_error *err)
{
    const struct schedule_settings *settings = request->settings;
    const bool heun = setting_int(settings, KEY_solver_type) == SOLVER_HEUN;

    for (int e = 0; e < plan->evaluations; e++) {
        const int i = request->first + e;
        const int order = order_of(settings, draft->count, i, e);

        plan->step[e].timestep = draft->timesteps[i];
        plan->step[e].level = level_of(draft->rounded[i]);
        plan->step[e].dpm = plan_step(draft->rounded + i, order, heun);
        if (!usable(&plan->step[e].dpm))
            return ltd_fail(
                err, LTD_EINVAL,
                "the noise does not fall from step %d of %d; take fewer steps or another scheduler", i + 1,
                draft->count);
    }
    plan->start = plan->step[0].level;
    plan->history = setting_int(settings, KEY_solver_order);
    plan->vectors = 1 + plan->history;
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    struct draft draft;
    enum ltd_status status = draft_init(&draft, request->steps, err);

    if (status != LTD_OK)
        return status;
    noise_schedule_bound_terminal(request->noise, request->settings);
    status = draft_schedule(&draft, request, err);
    if (status == LTD_OK && draft.count <= request->first)
        status = ltd_fail(err, LTD_EINVAL, "this strength leaves none of %d steps; take more of either",
                          draft.count);
    if (status == LTD_OK)
        status = sampling_check_first(request, draft.timesteps, draft.count, err);
    if (status == LTD_OK)
        status = sampling_plan_reserve(plan, draft.count - request->first, err);
    if (status == LTD_OK)
        status = fill_steps(plan, request, &draft, err);
    draft_fini(&draft);
    return status;
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct dpm_step s = plan->step[evaluation].dpm;
    const int kept = plan->history;
    float *m0 = state_vector(state, 1 + evaluation % kept);
    const float *m1 = state_vector(state, 1 + (evaluation + kept - 1) % kept);
    const float *m2 = state_vector(state, 1 + (evaluation + 2 * kept - 2) % kept);
    float *x = state->x;

    sampling_clean(plan, evaluation, m0, x, state->output, state->n);
    for (size_t i = 0; i < state->n; i++) {
        float moved = s.sample_scale * x[i] - s.data_scale * m0[i];

        if (s.order == 2) {
            moved += s.slope_scale * (s.inverse_r0 * (m0[i] - m1[i]));
        } else if (s.order == 3) {
            const float slope0 = s.inverse_r0 * (m0[i] - m1[i]);
            const float slope1 = s.inverse_r1 * (m1[i] - m2[i]);

            moved += s.slope_scale * (slope0 + s.slope_blend * (slope0 - slope1));
            moved -= s.curve_scale * (s.curve_blend * (slope0 - slope1));
        }
        x[i] = moved;
    }
}

const struct sampler_code dpmpp_2m_code = {plan_run, sampling_input_plain, advance};
