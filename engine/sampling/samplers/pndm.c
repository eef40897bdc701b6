/*
 * pndm.c - pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778): linear multistep over the noise that
 * the network sees, begun by three Runge-Kutta steps, or without them as latent diffusion does.
 */
#include "sampling/sampler_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampling/spacing.h"

enum { RK_STEPS = 3, RK_EVALUATIONS = 4 * RK_STEPS, SLOPES = 4 };
enum { SAVED = FIRST_OWN_VECTOR, SUM, FIRST_SLOPE, VECTORS = FIRST_SLOPE + SLOPES };

/* How an evaluation mixes what the network has said. */
enum mix {
    RK1, /* Runge-Kutta, four evaluations a step; the first opens a new step */
    RK2,
    RK3,
    RK4,
    EULER,     /* linear multistep, by the number of evaluations known */
    TRAPEZOID, /* the first step again, with the slopes of both its ends averaged */
    AB2,
    AB3,
    AB4
};

struct pndm_move {
    enum mix mix;
    int newest;               /* of the four slope vectors, the one last kept */
    struct signal_level from; /* of the timestep that the move starts from */
    float sample_scale, level_change,
        output_divisor; /* x' = sample_scale x - level_change out / output_divisor */
};

/* What an evaluation is given, and the two training timesteps that the move after it connects. */
struct visit {
    int timestep, from, to;
};

static struct visit visit_multistep(const int *timesteps, int first, int e, int ratio)
{
    /* The second timestep is visited twice: its second visit repeats the first step. */
    const int i = first + e;
    const int t = timesteps[i < 2 ? i : i - 1];

    if (e == 1)
        return (struct visit){t, t + ratio, t};
    return (struct visit){t, t, t - ratio};
}

/* The three noisiest steps take four evaluations each: at their start, twice halfway, at their end.  The list
 * of those is cut by img2img, but the timestep that a move starts from is looked up in the whole list. */
static int rk_timestep(const int *timesteps, int i, int half)
{
    const int step = i / 4;

    switch (i % 4) {
    case 0:
        return timesteps[step];
    case 3:
        return timesteps[step + 1];
    default:
        return timesteps[step + 1] + half;
    }
}

static struct visit visit_rk(const int *timesteps, int first, int e, int ratio)
{
    const int i = first + e, half = ratio / 2;
    const int t =
        i < RK_EVALUATIONS ? rk_timestep(timesteps, i, half) : timesteps[i - RK_EVALUATIONS + RK_STEPS];

    if (e >= RK_EVALUATIONS)
        return (struct visit){t, t, t - ratio};
    return (struct visit){t, rk_timestep(timesteps, e / 4 * 4, half), e % 2 ? t : t - half};
}

static enum mix mix_of(int e, bool rk)
{
    static const enum mix runge_kutta[] = {RK1, RK2, RK3, RK4};
    static const enum mix multistep[] = {EULER, TRAPEZOID, AB2, AB3};

    if (rk && e < RK_EVALUATIONS)
        return runge_kutta[e % 4];
    return !rk && e < 4 ? multistep[e] : AB4;
}

/* Equation 11 of the paper, in the reference's order of operations. */
static struct pndm_move move_between(float level, float level_after)
{
    const float noise = 1.0F - level, noise_after = 1.0F - level_after;

    return (struct pndm_move){
        .from = {.alpha = sqrtf(level), .sigma = sqrtf(noise)},
        .sample_scale = sqrtf(level_after / level),
        .level_change = level_after - level,
        .output_divisor = level * sqrtf(noise_after) + sqrtf(level * noise * level_after),
    };
}

static enum ltd_status fill_steps(struct sampling_plan *plan, const struct plan_request *request,
                                  const int *timesteps, bool rk, struct ltd_error *err)
{
    const struct noise_schedule *noise = request->noise;
    const int ratio = noise->count / request->steps;
    const float final =
        setting_flag(request->settings, KEY_set_alpha_to_one) ? 1.0F : noise->alphas_cumprod[0];
    int slopes = 0;

    for (int e = 0; e < plan->evaluations; e++) {
        const enum mix mix = mix_of(e, rk);
        const struct visit v = rk ? visit_rk(timesteps, request->first, e, ratio)
                                  : visit_multistep(timesteps, request->first, e, ratio);
        struct pndm_move *m = sampling_move(plan, e);

        if (v.from >= noise->count || v.to >= noise->count || v.timestep >= noise->count)
            return ltd_fail(
                err, LTD_EINVAL,
                "%d steps reach beyond the model's last timestep, %d; take fewer steps or another scheduler",
                request->steps, noise->count - 1);
        plan->step[e].timestep = v.timestep;
        plan->step[e].level = noise_schedule_level(noise, v.timestep);
        *m = move_between(noise->alphas_cumprod[v.from], v.to >= 0 ? noise->alphas_cumprod[v.to] : final);
        m->mix = mix;
        if (mix == RK1 || mix >= AB2 || mix == EULER)
            slopes++;
        m->newest = (slopes - 1) % SLOPES;
        if (!isfinite(m->sample_scale) || !(m->output_divisor > 0))
            return ltd_fail(err, LTD_EINVAL,
                            "pndm cannot take a step from a level without signal; take another "
                            "sampler");
    }
    return LTD_OK;
}

static enum ltd_status plan_timesteps(struct sampling_plan *plan, const struct plan_request *request,
                                      int *timesteps, double *spaced, struct ltd_error *err)
{
    const bool rk = !setting_flag(request->settings, KEY_skip_prk_steps);
    const int steps = request->steps;
    const int visits = rk ? RK_EVALUATIONS + steps - RK_STEPS : steps > 1 ? steps + 1 : steps;
    enum ltd_status status;

    if (rk && steps < RK_STEPS + 1)
        return ltd_fail(err, LTD_EINVAL,
                        "pndm begins with Runge-Kutta steps in this model; take at least %d steps",
                        RK_STEPS + 1);
    status = space_timesteps(request->settings, steps, true, spaced, err);
    if (status != LTD_OK)
        return status;
    for (int i = 0; i < steps; i++)
        timesteps[i] = (int)spaced[i];
    status = sampling_plan_reserve(plan, visits - request->first, sizeof(struct pndm_move), err);
    if (status == LTD_OK)
        status = fill_steps(plan, request, timesteps, rk, err);
    if (status != LTD_OK)
        return status;
    plan->start = plan->step[0].level;
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    const size_t steps = (size_t)request->steps;
    double *spaced = malloc(steps * sizeof *spaced);
    int *timesteps = malloc(steps * sizeof *timesteps);
    enum ltd_status status;

    plan->vectors = VECTORS;
    if (!spaced || !timesteps)
        status = ltd_fail(err, LTD_ENOMEM, "no memory for %d timesteps", request->steps);
    else if (plan->prediction == PREDICT_SAMPLE)
        status = sampling_refuse_sample(err);
    else
        status = plan_timesteps(plan, request, timesteps, spaced, err);
    free(spaced);
    free(timesteps);
    return status;
}

/* Slope number `age` from the newest. */
static const float *slope(const struct sampling_state *state, const struct pndm_move *m, int age)
{
    return state_vector(state, FIRST_SLOPE + (m->newest + SLOPES - age) % SLOPES);
}

static void keep_slope(struct sampling_state *state, const struct pndm_move *m)
{
    memcpy(state_vector(state, FIRST_SLOPE + m->newest), state->output, state->n * sizeof(float));
}

/* Runge-Kutta: out becomes the slope to move by; SUM gathers the weighted mean for the fourth move. */
static void mix_rk(struct sampling_state *state, const struct pndm_move *m)
{
    const float sixth = (float)(1.0 / 6), third = (float)(1.0 / 3);
    float *out = state->output, *sum = state_vector(state, SUM);

    if (m->mix == RK1) {
        keep_slope(state, m);
        memcpy(state_vector(state, SAVED), state->x, state->n * sizeof(float));
        for (size_t i = 0; i < state->n; i++)
            sum[i] = sixth * out[i];
    } else if (m->mix == RK4) {
        for (size_t i = 0; i < state->n; i++)
            out[i] = sum[i] + sixth * out[i];
    } else {
        for (size_t i = 0; i < state->n; i++)
            sum[i] += third * out[i];
    }
}

/* Adams-Bashforth: out becomes the slope extrapolated from the newest ones. */
static void mix_multistep(struct sampling_state *state, const struct pndm_move *m)
{
    const float twenty_fourth = (float)(1.0 / 24);
    const float *e1 = slope(state, m, 0), *e2 = slope(state, m, 1);
    const float *e3 = slope(state, m, 2), *e4 = slope(state, m, 3);
    float *out = state->output;

    keep_slope(state, m);
    for (size_t i = 0; i < state->n; i++) {
        if (m->mix == AB2)
            out[i] = (3.0F * e1[i] - e2[i]) / 2.0F;
        else if (m->mix == AB3)
            out[i] = (23.0F * e1[i] - 16.0F * e2[i] + 5.0F * e3[i]) / 12.0F;
        else
            out[i] = twenty_fourth * (55.0F * e1[i] - 59.0F * e2[i] + 37.0F * e3[i] - 9.0F * e4[i]);
    }
}

/* Returns the sample that the move starts from. */
static const float *mix(struct sampling_state *state, const struct pndm_move *m)
{
    const float *newest = slope(state, m, 0), *saved = state_vector(state, SAVED);
    float *out = state->output;

    switch (m->mix) {
    case RK1:
    case RK2:
    case RK3:
    case RK4:
        mix_rk(state, m);
        return saved;
    case EULER:
        keep_slope(state, m);
        memcpy(state_vector(state, SAVED), state->x, state->n * sizeof(float));
        return saved;
    case TRAPEZOID:
        for (size_t i = 0; i < state->n; i++)
            out[i] = (out[i] + newest[i]) / 2.0F;
        return saved;
    default:
        mix_multistep(state, m);
        return state->x;
    }
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct pndm_move m = *(const struct pndm_move *)sampling_move(plan, evaluation);
    const bool predicts_v = plan->prediction == PREDICT_V;
    const float *from = mix(state, &m);
    const float *out = state->output;

    for (size_t i = 0; i < state->n; i++) {
        const float slope_here = predicts_v ? m.from.alpha * out[i] + m.from.sigma * from[i] : out[i];

        state->x[i] = m.sample_scale * from[i] - m.level_change * slope_here / m.output_divisor;
    }
}

const struct sampler_code pndm_code = {plan_run, advance};
