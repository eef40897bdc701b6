/* ddim.c - denoising diffusion implicit models (Song et al. 2021, arXiv 2010.02502, equation 12, eta 0). */
#include "sampling/sampler_table.h"
#include "sampling/spacing.h"

#include <math.h>
#include <stdlib.h>

struct ddim_move {
    float data_scale, noise_scale; /* x' = data_scale x_0 + noise_scale eps */
};

static struct ddim_move move_to(float level_after)
{
    return (struct ddim_move){.data_scale = sqrtf(level_after), .noise_scale = sqrtf(1.0F - level_after)};
}

static enum ltd_status check_timestep(const struct plan_request *request, int t, struct ltd_error *err)
{
    const bool divides = setting_int(request->settings, KEY_prediction_type) == PREDICT_EPSILON;

    if (t >= request->noise->count)
        return ltd_fail(
            err, LTD_EINVAL,
            "%d steps reach timestep %d, beyond the model's last, %d; take fewer steps or another "
            "scheduler",
            request->steps, t, request->noise->count - 1);
    if (divides && request->noise->alphas_cumprod[t] == 0)
        return ltd_fail(
            err, LTD_EINVAL,
            "ddim cannot start at zero signal with a model that predicts the noise; take the scheduler "
            "leading or another sampler");
    return LTD_OK;
}

static enum ltd_status fill_steps(struct sampling_plan *plan, const struct plan_request *request,
                                  const double *timesteps, struct ltd_error *err)
{
    const struct noise_schedule *noise = request->noise;
    const float final =
        setting_flag(request->settings, KEY_set_alpha_to_one) ? 1.0F : noise->alphas_cumprod[0];

    for (int e = 0; e < plan->evaluations; e++) {
        const int t = (int)timesteps[request->first + e];
        const int after = t - noise->count / request->steps;
        const enum ltd_status status = check_timestep(request, t, err);
        struct ddim_move *m = sampling_move(plan, e);

        if (status != LTD_OK)
            return status;
        plan->step[e].timestep = t;
        plan->step[e].level = noise_schedule_level(noise, t);
        *m = move_to(after >= 0 ? noise->alphas_cumprod[after] : final);
    }
    plan->start = plan->step[0].level;
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    double *timesteps = malloc((size_t)request->steps * sizeof *timesteps);
    enum ltd_status status;

    if (!timesteps)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d timesteps", request->steps);
    status = space_timesteps(request->settings, request->steps, true, timesteps, err);
    if (status == LTD_OK)
        status = sampling_plan_reserve(plan, request->steps - request->first, sizeof(struct ddim_move), err);
    if (status == LTD_OK)
        status = fill_steps(plan, request, timesteps, err);
    free(timesteps);
    return status;
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct ddim_move m = *(const struct ddim_move *)sampling_move(plan, evaluation);
    const float alpha = plan->step[evaluation].level.alpha, sigma = plan->step[evaluation].level.sigma;
    const float bound = plan->clip_range;
    const float *out = state->output;
    float *x = state->x;

    for (size_t i = 0; i < state->n; i++) {
        float data, noise;

        switch (plan->prediction) {
        case PREDICT_EPSILON:
            data = (x[i] - sigma * out[i]) / alpha;
            noise = out[i];
            break;
        case PREDICT_V:
            data = alpha * x[i] - sigma * out[i];
            noise = alpha * out[i] + sigma * x[i];
            break;
        default:
            data = out[i];
            noise = (x[i] - alpha * data) / sigma;
            break;
        }
        x[i] = m.data_scale * sampling_clip(data, bound) + m.noise_scale * noise;
    }
}

const struct sampler_code ddim_code = {plan_run, advance};
