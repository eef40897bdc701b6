/* euler.c - Euler's method in sigma (Karras et al. 2022, arXiv 2206.00364, algorithm 2). */
#include "sampling/levels.h"

struct euler_move {
    float sigma, change; /* x' = x + change dx/dsigma */
};

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const float *sigmas = levels->sigmas;
    enum ltd_status status = sampling_plan_reserve(plan, levels->count, sizeof(struct euler_move), err);

    if (status != LTD_OK)
        return status;
    for (int e = 0; e < levels->count; e++) {
        struct euler_move *m = sampling_move(plan, e);

        m->sigma = levels_step_churned(levels, request, e, &plan->step[e]);
        m->change = sigmas[e + 1] - m->sigma;
    }
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    return levels_plan(plan, request, (struct level_rules){0}, fill, err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct euler_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++)
        x[i] += (x[i] - clean[i]) / m->sigma * m->change;
}

const struct sampler_code euler_code = {plan_run, advance};
