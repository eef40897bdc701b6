/* heun.c - Heun's method in sigma (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without churn): an Euler
 * step, then the same step again with the mean of the slopes at both its ends.  A step to sigma 0 is Euler's.
 */
#include "sampling/levels.h"

enum { SAVED = FIRST_OWN_VECTOR, SLOPE, VECTORS };

struct heun_move {
    bool corrects;       /* the second evaluation of a step */
    float sigma, change; /* x' = x + change dx/dsigma */
};

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const float *sigmas = levels->sigmas;
    const int evaluations = 2 * levels->count - (sigmas[levels->count] == 0);
    const enum ltd_status status = sampling_plan_reserve(plan, evaluations, sizeof(struct heun_move), err);

    (void)request;
    if (status != LTD_OK)
        return status;
    plan->vectors = VECTORS;
    for (int e = 0; e < evaluations; e++) {
        const int i = e / 2;
        struct heun_move *m = sampling_move(plan, e);

        levels_step(levels, i + e % 2, &plan->step[e]);
        *m = (struct heun_move){
            .corrects = e % 2, .sigma = plan->step[e].sigma, .change = sigmas[i + 1] - sigmas[i]};
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
    const struct heun_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;
    float *saved = state_vector(state, SAVED), *slope = state_vector(state, SLOPE);

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
}

const struct sampler_code heun_code = {plan_run, advance};
