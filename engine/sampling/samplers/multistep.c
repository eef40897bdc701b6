#include "sampling/samplers/multistep.h"

#include <math.h>

enum { FEW_STEPS = 15 }; /* below: lower_order_final applies */
enum { HISTORY = 3 };    /* clean samples kept */

struct dpm_move {
    int order;
    /* x' = sample_scale x - data_scale D0 + slope_scale D1 - curve_scale D2 + noise z, with D0 the clean
     * sample as it is thought to be now, D1 and D2 its divided differences over the step and the ones before.
     */
    float sample_scale, data_scale, slope_scale, curve_scale, noise;
    float from, to;                 /* the sigmas of the noise */
    float inverse_r0, inverse_r1;   /* this step's length in log SNR over those of the two before it */
    float slope_blend, curve_blend; /* r0 / (r0 + r1) and 1 / (r0 + r1) */
};

static bool is_stochastic(const struct plan_request *request)
{
    return setting_int(request->settings, KEY_algorithm_type) == ALGORITHM_SDE_DPMSOLVER_PP;
}

/* AUTOMATIC1111 has k-diffusion's sample_dpmpp_2m_sde (midpoint) and sample_dpmpp_3m_sde, whatever the
 * model's config says. */
static bool is_webui(const struct plan_request *request)
{
    return is_stochastic(request) && request->asked->profile == LTD_PROFILE_A1111;
}

static int order_of(const struct plan_request *request, int count, int i, int known)
{
    const struct schedule_settings *settings = request->settings;
    const int order = setting_int(settings, KEY_solver_order);
    const bool lower = setting_flag(settings, KEY_lower_order_final) && count < FEW_STEPS;
    const bool plain_last = lower || setting_flag(settings, KEY_euler_at_final) ||
                            setting_int(settings, KEY_final_sigmas_type) == FINAL_ZERO;

    if (is_webui(request)) {
        const int most = order == 3 ? 3 : 2;

        return i == count - 1 ? 1 : known + 1 < most ? known + 1 : most;
    }
    if (order == 1 || known < 1 || (i == count - 1 && plain_last))
        return 1;
    if (order == 2 || known < 2 || (i == count - 2 && lower))
        return 2;
    return 3;
}

static float lambda_of(struct signal_level level)
{
    return logf(level.alpha) - logf(level.sigma);
}

/* The coefficients of a step of length h in lambda; sample_scale for h = 0. */
static struct dpm_move step_along(float h, struct signal_level after, float sample_scale, bool heun)
{
    const float decay = expf(-h) - 1.0F;

    return (struct dpm_move){
        .sample_scale = sample_scale,
        .data_scale = after.alpha * decay,
        .slope_scale = heun ? after.alpha * (decay / h + 1.0F) : -0.5F * after.alpha * decay,
        .curve_scale = after.alpha * ((decay + h) / (h * h) - 0.5F),
    };
}

/* The stochastic ones: eta times as far again, and noise back.  diffusers subtracts the half of curve_scale
 * where the integral adds it. */
static struct dpm_move noisy_step_along(float h, struct signal_level after, float sample_scale, bool heun,
                                        float eta)
{
    const float again = eta > 0 ? eta * h : 0, whole = h + again, gone = 1.0F - expf(-whole);

    return (struct dpm_move){
        .sample_scale = sample_scale * expf(-again),
        .data_scale = -after.alpha * gone,
        .slope_scale = heun ? after.alpha * (gone / -whole + 1.0F) : 0.5F * after.alpha * gone,
        .curve_scale = -after.alpha * ((gone - whole) / (whole * whole) - 0.5F),
        .noise = after.sigma * sqrtf(1.0F - expf(-2.0F * again)),
    };
}

/* The same as k-diffusion's sample_dpmpp_2m_sde and sample_dpmpp_3m_sde have it, in the variance-exploding
 * frame. */
static struct dpm_move webui_step_along(float h, struct signal_level after, float sample_scale, bool heun,
                                        float eta)
{
    const float again = eta > 0 ? eta * h : 0, whole = h + again, gone = -expm1f(-whole);
    const float slope = 1.0F - gone / whole;

    return (struct dpm_move){
        .sample_scale = sample_scale * expf(-again),
        .data_scale = -gone,
        .slope_scale = heun ? slope : 0.5F * gone,
        .curve_scale = slope / whole - 0.5F,
        .noise = after.sigma * sqrtf(-expm1f(-2.0F * again)),
    };
}

/* A sigma in the frame of x. */
static struct signal_level level_in_frame(float sigma, bool exploding)
{
    return exploding ? (struct signal_level){.alpha = 1, .sigma = sigma} : level_of_sigma(sigma);
}

static bool takes_heun(const struct plan_request *request, int order)
{
    if (is_webui(request))
        return setting_int(request->settings, KEY_solver_order) == 3;
    return order == 3 || setting_int(request->settings, KEY_solver_type) == SOLVER_HEUN;
}

/* sigmas points at this step's; those of the steps before stand before it. */
static struct dpm_move move_of(const float *sigmas, int order, const struct plan_request *request)
{
    const bool webui = is_webui(request), heun = takes_heun(request, order);
    const struct signal_level here = level_in_frame(sigmas[0], webui);
    const struct signal_level after = level_in_frame(sigmas[1], webui);
    const float lambda = lambda_of(here), h = lambda_of(after) - lambda, shrink = after.sigma / here.sigma;
    const float eta = (float)request->eta;
    struct dpm_move m = webui                    ? webui_step_along(h, after, shrink, heun, eta)
                        : is_stochastic(request) ? noisy_step_along(h, after, shrink, heun, eta)
                                                 : step_along(h, after, shrink, heun);
    float lambda_before, r0, r1;

    m.order = order;
    if (order < 3)
        m.curve_scale = 0;
    if (order < 2) {
        m.slope_scale = 0;
        return m;
    }
    lambda_before = lambda_of(level_in_frame(sigmas[-1], webui));
    r0 = (lambda - lambda_before) / h;
    m.inverse_r0 = 1.0F / r0;
    if (order == 2)
        return m;
    r1 = (lambda_before - lambda_of(level_in_frame(sigmas[-2], webui))) / h;
    m.inverse_r1 = 1.0F / r1;
    m.slope_blend = r0 / (r0 + r1);
    m.curve_blend = 1.0F / (r0 + r1);
    return m;
}

static bool usable(const struct dpm_move *s)
{
    return isfinite(s->sample_scale) && isfinite(s->data_scale) && isfinite(s->slope_scale) &&
           isfinite(s->curve_scale) && isfinite(s->noise) && isfinite(s->inverse_r0) &&
           isfinite(s->inverse_r1) && isfinite(s->slope_blend) && isfinite(s->curve_blend);
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const int total = levels->first + levels->count;
    const enum ltd_status status = sampling_plan_reserve(plan, levels->count, sizeof(struct dpm_move), err);

    if (status != LTD_OK)
        return status;
    plan->vectors = FIRST_OWN_VECTOR + HISTORY;
    for (int e = 0; e < levels->count; e++) {
        const int order = order_of(request, total, levels->first + e, e);
        struct dpm_move *m = sampling_move(plan, e);

        levels_step(levels, e, &plan->step[e]);
        *m = move_of(levels->sigmas + e, order, request);
        m->noise *= (float)request->asked->s_noise;
        m->from = levels->sigmas[e];
        m->to = levels->sigmas[e + 1];
        if (!usable(m))
            return ltd_fail(
                err, LTD_EINVAL,
                "the noise does not fall from step %d of %d; take fewer steps or another scheduler",
                levels->first + e + 1, total);
    }
    return is_webui(request) ? levels_follow_path(plan, levels, request, err) : LTD_OK;
}

enum ltd_status multistep_plan(struct sampling_plan *plan, const struct plan_request *request,
                               struct ltd_error *err)
{
    const bool webui = is_webui(request);

    plan->exploding = webui;
    return levels_plan(plan, request, (struct level_rules){.open = !webui, .webui = webui}, fill, err);
}

/* The clean sample that was thought of so many evaluations ago. */
static float *past(const struct sampling_state *state, int evaluation, int ago)
{
    return state_vector(state, FIRST_OWN_VECTOR + (evaluation + HISTORY - ago) % HISTORY);
}

void multistep_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct dpm_move m = *(const struct dpm_move *)sampling_move(plan, evaluation);
    float *m0 = past(state, evaluation, 0), *x = state->x;
    const float *m1 = past(state, evaluation, 1), *m2 = past(state, evaluation, 2);

    sampling_clean(plan, evaluation, state, m0);
    for (size_t i = 0; i < state->n; i++) {
        float moved = m.sample_scale * x[i] - m.data_scale * m0[i];

        if (m.order == 2) {
            moved += m.slope_scale * (m.inverse_r0 * (m0[i] - m1[i]));
        } else if (m.order == 3) {
            const float slope0 = m.inverse_r0 * (m0[i] - m1[i]);
            const float slope1 = m.inverse_r1 * (m1[i] - m2[i]);

            moved += m.slope_scale * (slope0 + m.slope_blend * (slope0 - slope1));
            moved -= m.curve_scale * (m.curve_blend * (slope0 - slope1));
        }
        x[i] = moved;
    }
    if (m.noise > 0)
        sampling_add_noise_between(plan, state, m.from, m.to, m.noise);
}
