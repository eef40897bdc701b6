#include "sampling/samplers/two_stage.h"

#include <math.h>

#include "sampling/ancestral.h"

enum { SAVED = FIRST_OWN_VECTOR, VECTORS };

struct two_stage_move {
    bool second;                    /* the evaluation in the middle: the whole step, from where it began */
    float sample_scale, data_scale; /* x' = sample_scale x + data_scale x_0 */
    float from, to, noise;          /* the sigmas of the noise that follows, and its standard deviation */
};

/* The exponential integrator from one sigma to another, with x_0 constant. */
static struct two_stage_move move_between(float from, float to)
{
    return (struct two_stage_move){.sample_scale = to / from, .data_scale = -expm1f(logf(to) - logf(from))};
}

/* k-diffusion takes the logarithms of the levels, and looks its noise up with what that leaves of them. */
static float by_logarithm(float sigma)
{
    return expf(logf(sigma));
}

static enum ltd_status fill_step(struct sampling_plan *plan, int e, const struct levels *levels, int i,
                                 bool noisy_middle, const struct plan_request *request, struct ltd_error *err)
{
    const float from = levels->sigmas[i], to = levels->sigmas[i + 1];
    const float s_noise = (float)request->asked->s_noise;
    struct two_stage_move *first = sampling_move(plan, e), *second;
    struct ancestral_step whole, half;
    enum ltd_status status;
    float middle;

    levels_step(levels, i, &plan->step[e]);
    if (to == 0) {
        *first = (struct two_stage_move){.data_scale = 1};
        return LTD_OK;
    }
    status = ancestral_step(&whole, from, to, request->eta, err);
    if (status != LTD_OK)
        return status;
    middle = expf(logf(from) + (logf(noisy_middle ? to : whole.down) - logf(from)) * 0.5F);
    half = (struct ancestral_step){.down = middle};
    if (noisy_middle)
        status = ancestral_step(&half, from, middle, request->eta, err);
    levels_step_between(levels, middle, &plan->step[e + 1]);
    plan->step[e + 1].end_sigma = to;
    *first = move_between(from, half.down);
    first->from = by_logarithm(from);
    first->to = middle;
    first->noise = half.up * s_noise;
    second = sampling_move(plan, e + 1);
    *second = move_between(from, whole.down);
    second->second = true;
    second->from = by_logarithm(from);
    second->to = by_logarithm(to);
    second->noise = whole.up * s_noise;
    return status;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels, bool noisy_middle,
                            const struct plan_request *request, struct ltd_error *err)
{
    const int evaluations = 2 * levels->count - (levels->sigmas[levels->count] == 0);
    enum ltd_status status = sampling_plan_reserve(plan, evaluations, sizeof(struct two_stage_move), err);

    plan->vectors = VECTORS;
    for (int i = 0; i < levels->count && status == LTD_OK; i++)
        status = fill_step(plan, 2 * i, levels, i, noisy_middle, request, err);
    return status;
}

static enum ltd_status fill_clean_middle(struct sampling_plan *plan, const struct levels *levels,
                                         const struct plan_request *request, struct ltd_error *err)
{
    return fill(plan, levels, false, request, err);
}

static enum ltd_status fill_noisy_middle(struct sampling_plan *plan, const struct levels *levels,
                                         const struct plan_request *request, struct ltd_error *err)
{
    const enum ltd_status status = fill(plan, levels, true, request, err);

    if (status != LTD_OK || request->asked->profile != LTD_PROFILE_A1111)
        return status;
    return levels_follow_path(plan, levels, request, err);
}

enum ltd_status two_stage_plan(struct sampling_plan *plan, const struct plan_request *request,
                               bool noisy_middle, struct ltd_error *err)
{
    const bool webui = noisy_middle && request->asked->profile == LTD_PROFILE_A1111;
    const struct level_rules rules = {.spaced_karras = true, .webui = webui};

    plan->exploding = true;
    if (noisy_middle && plan->prediction == PREDICT_SAMPLE)
        return sampling_refuse_sample(err);
    return levels_plan(plan, request, rules, noisy_middle ? fill_noisy_middle : fill_clean_middle, err);
}

void two_stage_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct two_stage_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *saved = state_vector(state, SAVED), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++) {
        if (!m->second)
            saved[i] = x[i];
        x[i] = m->sample_scale * saved[i] + m->data_scale * clean[i];
    }
    if (m->noise > 0)
        sampling_add_noise_between(plan, state, m->from, m->to, m->noise);
}
