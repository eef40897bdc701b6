#include "sampling/samplers/midpoint.h"

#include <math.h>

#include "sampling/ancestral.h"

enum { SAVED = FIRST_OWN_VECTOR, VECTORS };

struct midpoint_move {
    bool second;         /* the evaluation in the middle: the whole step, from where it began */
    float sigma, change; /* x' = x + change dx/dsigma */
    float noise;         /* standard deviation of the noise added after it */
};

static float middle(float from, float to)
{
    const float low = logf(to), high = logf(from);

    return expf(high - (high - low) * 0.5F);
}

/* The evaluations of one step; returns how many there are.  A step to sigma 0 is Euler's. */
static int fill_step(struct sampling_plan *plan, int e, const struct levels *levels,
                     const struct plan_request *request, int i, struct ancestral_step to)
{
    const float from = levels_step_churned(levels, request, i, &plan->step[e]);
    const float noise = to.up * (float)request->asked->s_noise;
    struct midpoint_move *first = sampling_move(plan, e);

    if (to.down == 0) {
        *first = (struct midpoint_move){.sigma = from, .change = -from, .noise = noise};
        return 1;
    }
    levels_step_between(levels, middle(from, to.down), &plan->step[e + 1]);
    plan->step[e + 1].end_sigma = levels->sigmas[i + 1];
    *first = (struct midpoint_move){.sigma = from, .change = plan->step[e + 1].sigma - from};
    *(struct midpoint_move *)sampling_move(plan, e + 1) = (struct midpoint_move){
        .second = true, .sigma = plan->step[e + 1].sigma, .change = to.down - from, .noise = noise};
    return 2;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, bool ancestral, struct ltd_error *err)
{
    const float *sigmas = levels->sigmas;
    const int evaluations = 2 * levels->count - (sigmas[levels->count] == 0);
    enum ltd_status status = sampling_plan_reserve(plan, evaluations, sizeof(struct midpoint_move), err);

    plan->vectors = VECTORS;
    for (int i = 0, e = 0; i < levels->count && status == LTD_OK; i++) {
        struct ancestral_step to = {.down = sigmas[i + 1]};

        if (ancestral)
            status = ancestral_step(&to, sigmas[i], sigmas[i + 1], request->eta, err);
        e += status == LTD_OK ? fill_step(plan, e, levels, request, i, to) : 0;
    }
    return status;
}

static enum ltd_status fill_plain(struct sampling_plan *plan, const struct levels *levels,
                                  const struct plan_request *request, struct ltd_error *err)
{
    return fill(plan, levels, request, false, err);
}

static enum ltd_status fill_ancestral(struct sampling_plan *plan, const struct levels *levels,
                                      const struct plan_request *request, struct ltd_error *err)
{
    return fill(plan, levels, request, true, err);
}

enum ltd_status midpoint_plan(struct sampling_plan *plan, const struct plan_request *request, bool ancestral,
                              struct ltd_error *err)
{
    const struct level_rules rules = {.rounds = true};

    plan->exploding = true;
    if (plan->prediction == PREDICT_SAMPLE)
        return sampling_refuse_sample(err);
    return levels_plan(plan, request, rules, ancestral ? fill_ancestral : fill_plain, err);
}

void midpoint_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct midpoint_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *saved = state_vector(state, SAVED), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++) {
        const float slope = (x[i] - clean[i]) / m->sigma;

        if (!m->second)
            saved[i] = x[i];
        x[i] = saved[i] + slope * m->change;
    }
    if (m->noise > 0)
        sampling_add_noise(state, m->noise);
}
