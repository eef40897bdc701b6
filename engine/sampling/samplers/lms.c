/* lms.c - linear multistep in sigma: the slopes of the last four levels as a polynomial, integrated over the
 * step (k-diffusion's sample_lms; Adams and Bashforth 1883 on uneven steps). */
#include "sampling/levels.h"

#include <math.h>

enum { ORDER = 4, FIRST_SLOPE = FIRST_OWN_VECTOR, VECTORS = FIRST_SLOPE + ORDER };

struct lms_move {
    float sigma;
    float weight[ORDER]; /* x' = x + sum of weight[j] dx/dsigma as it was j evaluations ago */
};

/* Lagrange's polynomial that is 1 at the level `which` before sigmas[0] and 0 at the others. */
static double basis(const float *sigmas, int order, int which, double sigma)
{
    double product = 1;

    for (int k = 0; k < order; k++)
        if (k != which)
            product *= (sigma - (double)sigmas[-k]) / ((double)sigmas[-which] - (double)sigmas[-k]);
    return product;
}

/* Its integral over the step.  Gauss and Legendre's two points are exact for degree 3. */
static double weight_of(const float *sigmas, int order, int which)
{
    const double middle = ((double)sigmas[0] + (double)sigmas[1]) / 2;
    const double half = ((double)sigmas[1] - (double)sigmas[0]) / 2, offset = half / sqrt(3);

    return half *
           (basis(sigmas, order, which, middle - offset) + basis(sigmas, order, which, middle + offset));
}

/* From an image, the reference gives the first steps the weights of the whole run's, although it knows no
 * slopes before them. */
static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const enum ltd_status status = sampling_plan_reserve(plan, levels->count, sizeof(struct lms_move), err);

    (void)request;
    if (status != LTD_OK)
        return status;
    plan->vectors = VECTORS;
    for (int e = 0; e < levels->count; e++) {
        const int before = levels->first + e;
        const int order = before + 1 < ORDER ? before + 1 : ORDER;
        struct lms_move *m = sampling_move(plan, e);

        levels_step(levels, e, &plan->step[e]);
        m->sigma = levels->sigmas[e];
        for (int j = 0; j < order && j <= e; j++) {
            m->weight[j] = (float)weight_of(levels->sigmas + e, order, j);
            if (!isfinite(m->weight[j]))
                return ltd_fail(err, LTD_EINVAL,
                                "two of the levels before step %d are the same; take fewer steps or another "
                                "scheduler",
                                before + 1);
        }
    }
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    return levels_plan(plan, request, (struct level_rules){.spaced_karras = true}, fill, err);
}

static float *slope(const struct sampling_state *state, int evaluation, int ago)
{
    return state_vector(state, FIRST_SLOPE + (evaluation + ORDER - ago) % ORDER);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct lms_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *now = slope(state, evaluation, 0), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++) {
        now[i] = (x[i] - clean[i]) / m->sigma;
        clean[i] = m->weight[0] * now[i];
    }
    for (int j = 1; j < ORDER && j <= evaluation; j++) {
        const float *past = slope(state, evaluation, j);

        for (size_t i = 0; i < state->n; i++)
            clean[i] += m->weight[j] * past[i];
    }
    for (size_t i = 0; i < state->n; i++)
        x[i] += clean[i];
}

const struct sampler_code lms_code = {plan_run, advance};
