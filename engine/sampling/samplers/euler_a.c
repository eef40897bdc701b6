/* euler_a.c - ancestral sampling with Euler steps: past the next level, then noise up to it. */
#include "sampling/ancestral.h"
#include "sampling/levels.h"

struct euler_a_move {
    float sigma, change; /* x' = x + change dx/dsigma */
    float noise;         /* standard deviation of the noise added after it */
};

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const float *sigmas = levels->sigmas;
    enum ltd_status status = sampling_plan_reserve(plan, levels->count, sizeof(struct euler_a_move), err);

    for (int e = 0; e < levels->count && status == LTD_OK; e++) {
        struct euler_a_move *m = sampling_move(plan, e);
        struct ancestral_step step;

        levels_step(levels, e, &plan->step[e]);
        status = ancestral_step(&step, sigmas[e], sigmas[e + 1], request->eta, err);
        *m = (struct euler_a_move){.sigma = sigmas[e],
                                   .change = step.down - sigmas[e],
                                   .noise = step.up * (float)request->asked->s_noise};
    }
    return status;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    if (plan->prediction == PREDICT_SAMPLE)
        return sampling_refuse_sample(err);
    return levels_plan(plan, request, (struct level_rules){0}, fill, err);
}

/* The noise is drawn after the last step too, with weight 0, so that the generator ends where torch's does.
 */
static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct euler_a_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++)
        x[i] += (x[i] - clean[i]) / m->sigma * m->change;
    sampling_add_noise(state, m->noise);
}

const struct sampler_code euler_a_code = {plan_run, advance};
