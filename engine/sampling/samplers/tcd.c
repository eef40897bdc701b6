/* tcd.c - strategic stochastic sampling of a trajectory consistency model (Zheng et al. 2024, arXiv
 * 2402.19159, algorithm 4): along the trajectory past the next timestep, and noise back up to it.  eta is
 * their gamma, the share of the way to timestep 0 that it goes too far. */
#include <math.h>

#include "sampling/visits.h"

struct tcd_move {
    float data_scale, noise_scale; /* past the next timestep: data_scale x_0 + noise_scale eps */
    float signal, fresh;           /* x' = signal * that + fresh z */
};

/* The last step leads to timestep 0, whose noise stays. */
static void fill(void *move, const struct visits *visits, int e, const struct plan_request *request)
{
    const bool last = e + 1 == visits->count;
    const int next = last ? 0 : visits->timesteps[e + 1];
    const int past = (int)floorf((float)(1 - request->eta) * (float)next);
    const float *levels = request->noise->alphas_cumprod;
    const float ratio = levels[next] / levels[past];
    struct tcd_move *m = move;

    *m = (struct tcd_move){
        .data_scale = sqrtf(levels[past]), .noise_scale = sqrtf(1.0F - levels[past]), .signal = 1};
    if (request->eta > 0 && !last) {
        m->signal = sqrtf(ratio);
        m->fresh = sqrtf(1.0F - ratio);
    }
}

/* Its reference never clips, whatever clip_sample says. */
static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->clip_range = INFINITY;
    return visits_plan(plan, request, visits_distilled, fill, sizeof(struct tcd_move), err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct tcd_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *noise = state->output;

    sampling_clean(plan, evaluation, state, clean);
    sampling_noise(plan, evaluation, state, noise);
    for (size_t i = 0; i < state->n; i++)
        state->x[i] = m->signal * (m->data_scale * clean[i] + m->noise_scale * noise[i]);
    if (m->fresh > 0)
        sampling_add_noise(state, m->fresh);
}

const struct sampler_code tcd_code = {plan_run, advance};
