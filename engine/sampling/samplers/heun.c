/* heun.c - Heun's method in sigma (Karras et al. 2022, arXiv 2206.00364, algorithm 2): an Euler
 * step, then the same step again with the mean of the slopes at both its ends.  A step to sigma 0 is Euler's.
 */
#include "sampling/samplers/heun.h"

/* The one or two moves of the step from step->sigma to `to`; returns how many. */
static int fill_step(struct sampling_plan *plan, int evaluation, float to)
{
    const float from = plan->step[evaluation].sigma;
    struct heun_move *m = sampling_move(plan, evaluation);

    *m = (struct heun_move){.sigma = from, .change = to - from};
    if (to == 0)
        return 1;
    m = sampling_move(plan, evaluation + 1);
    *m = (struct heun_move){.corrects = true, .sigma = to, .change = to - from};
    return 2;
}

int heun_evaluations(const float *sigmas, int steps)
{
    return 2 * steps - (steps > 0 && sigmas[steps] == 0);
}

int heun_fill(struct sampling_plan *plan, int evaluation, const float *sigmas, int steps)
{
    for (int i = 0; i < steps; i++)
        evaluation += fill_step(plan, evaluation, sigmas[i + 1]);
    return evaluation;
}

enum ltd_status heun_fill_levels(struct sampling_plan *plan, const struct levels *levels,
                                 const struct plan_request *request, struct ltd_error *err)
{
    const int evaluations = heun_evaluations(levels->sigmas, levels->count);
    const enum ltd_status status = sampling_plan_reserve(plan, evaluations, sizeof(struct heun_move), err);

    if (status != LTD_OK)
        return status;
    plan->vectors = HEUN_VECTORS;
    for (int e = 0; e < evaluations; e++)
        if (e % 2 == 0)
            levels_step_churned(levels, request, e / 2, &plan->step[e]);
        else
            levels_step(levels, e / 2 + 1, &plan->step[e]);
    heun_fill(plan, 0, levels->sigmas, levels->count);
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    return levels_plan(plan, request, (struct level_rules){0}, heun_fill_levels, err);
}

void heun_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct heun_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;
    float *saved = state_vector(state, HEUN_SAVED), *slope = state_vector(state, HEUN_SLOPE);

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++) {
        const float here = (x[i] - clean[i]) / m->sigma;

        if (m->corrects) {
            x[i] = saved[i] + (slope[i] + here) / 2.0F * m->change;
        } else {
            saved[i] = x[i];
            slope[i] = here;
            x[i] += here * m->change;
        }
    }
    if (m->noise > 0)
        sampling_add_noise(state, m->noise);
}

const struct sampler_code heun_code = {plan_run, heun_advance};
