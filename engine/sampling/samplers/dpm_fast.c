/* dpm_fast.c - DPM-Solver-fast (Lu et al. 2022, arXiv 2206.00927): steps of third order in log sigma, each of
 * three evaluations, and one or two of lower order at the end; ancestral, as k-diffusion's sample_dpm_fast
 * with eta 1.  Of the levels it takes the first, the last above the end, and how many there are. */
#include <math.h>

#include "sampling/ancestral.h"
#include "sampling/levels.h"

enum { SAVED = FIRST_OWN_VECTOR, NOISE, VECTORS };

struct fast_move {
    int stage;           /* 0: the first evaluation of a step */
    float sigma;         /* of x */
    float scale, change; /* x' = x_first - scale eps_first - change (eps - eps_first) */
    bool ends;           /* the last evaluation of a step: noise follows */
    float noise;
};

static struct fast_move move_to(int stage, float from, float t, float h, float share)
{
    return (struct fast_move){
        .stage = stage, .sigma = from, .scale = expf(-(t + share * h)) * expm1f(share * h)};
}

/* The evaluations of a step of that order from t to t + h, t being -log sigma. */
static void fill_step(struct sampling_plan *plan, int e, const struct levels *levels, int order, float t,
                      float h)
{
    const float share[] = {order == 3 ? 1.0F / 3.0F : 0.5F, 2.0F / 3.0F};
    const float after = expf(-(t + h));

    for (int stage = 0; stage < order; stage++) {
        const float sigma = expf(-(stage > 0 ? t + share[stage - 1] * h : t));
        struct fast_move *m = sampling_move(plan, e + stage);

        levels_step_at(levels, sigma, &plan->step[e + stage]);
        *m = move_to(stage, sigma, t, h, stage + 1 < order ? share[stage] : 1);
        m->ends = stage + 1 == order;
        if (order == 2 && stage == 1)
            m->change = after / (2 * share[0]) * expm1f(h);
        else if (order == 3 && stage == 1)
            m->change = expf(-(t + share[1] * h)) * (share[1] / share[0]) *
                        (expm1f(share[1] * h) / (share[1] * h) - 1.0F);
        else if (order == 3 && stage == 2)
            m->change = after / share[1] * (expm1f(h) / h - 1.0F);
    }
}

/* Of step i of `steps`, for so many evaluations in all. */
static int order_of(int evaluations, int i, int steps)
{
    if (evaluations % 3 == 0)
        return i + 1 == steps ? 1 : i + 2 == steps ? 2 : 3;
    return i + 1 == steps ? evaluations % 3 : 3;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const int count = levels->count, steps = count / 3 + 1;
    const float start = -logf(levels->sigmas[0]);
    const float end = -logf(levels->sigmas[count - 1]);
    enum ltd_status status = sampling_plan_reserve(plan, count, sizeof(struct fast_move), err);

    (void)request;
    plan->vectors = VECTORS;
    if (status == LTD_OK && !(end > start))
        status = ltd_fail(err, LTD_EINVAL, "dpm_fast goes from one level to another; take more than %d steps",
                          count);
    for (int i = 0, e = 0; i < steps && status == LTD_OK; i++) {
        const float t = start + (end - start) * (float)i / (float)steps;
        const float next = i + 1 == steps ? end : start + (end - start) * (float)(i + 1) / (float)steps;
        const int order = order_of(count, i, steps);
        struct ancestral_step to;
        float beyond;

        status = ancestral_step(&to, expf(-t), expf(-next), err);
        beyond = fminf(end, -logf(to.down));
        fill_step(plan, e, levels, order, t, beyond - t);
        e += order;
        ((struct fast_move *)sampling_move(plan, e - 1))->noise =
            sqrtf(fmaxf(expf(-2 * next) - expf(-2 * beyond), 0));
    }
    return status;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    return levels_plan(plan, request, (struct level_rules){.spaced_karras = true}, fill, err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct fast_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;
    float *saved = state_vector(state, SAVED), *first = state_vector(state, NOISE);

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++) {
        const float noise = (x[i] - clean[i]) / m->sigma;

        if (m->stage == 0) {
            saved[i] = x[i];
            first[i] = noise;
        }
        x[i] = saved[i] - m->scale * first[i] - m->change * (noise - first[i]);
    }
    if (m->ends)
        sampling_add_noise(state, m->noise);
}

const struct sampler_code dpm_fast_code = {plan_run, advance};
