/* euler_a.c - ancestral sampling with Euler steps: past the next level, then noise up to it. */
#include "sampling/euler.h"

#include <math.h>

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    enum ltd_status status;

    if (plan->prediction == PREDICT_SAMPLE)
        return ltd_fail(err, LTD_EINVAL,
                        "euler_a does not take a model that predicts the sample; take another sampler");
    status = euler_plan(plan, request, err);
    if (status != LTD_OK)
        return status;
    for (int e = 0; e < plan->evaluations; e++) {
        struct euler_step *s = &plan->step[e].euler;
        const float from = s->sigma * s->sigma;
        const float after = e + 1 < plan->evaluations ? plan->step[e + 1].euler.sigma : 0;
        const float to = after * after;

        s->noise = sqrtf(to * (from - to) / from);
        s->change = sqrtf(to - s->noise * s->noise) - s->sigma;
        if (!isfinite(s->noise) || !isfinite(s->change))
            return ltd_fail(err, LTD_EINVAL, "the noise does not fall from step %d of %d; take fewer steps",
                            e + 1, plan->evaluations);
    }
    return LTD_OK;
}

/* The noise is drawn after the last step too, with weight 0, so that the generator ends where torch's does.
 */
static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const float weight = plan->step[evaluation].euler.noise;
    float *noise = state_vector(state, 1);

    euler_advance(plan, evaluation, state);
    torch_rng_normal(state->rng, noise, state->n);
    for (size_t i = 0; i < state->n; i++)
        state->x[i] += noise[i] * weight;
}

const struct sampler_code euler_a_code = {plan_run, euler_input, advance};
