/* tcd.c - strategic stochastic sampling of a trajectory consistency model (Zheng et al. 2024, arXiv
 * 2402.19159, algorithm 4), gamma 0.3: to a timestep beyond the next, and noise back to that. */
#include <math.h>

#include "sampling/visits.h"

static const double gamma_share = 0.3;

struct tcd_move {
    float data_scale, noise_scale; /* at the timestep beyond: data_scale x_0 + noise_scale eps */
    float signal, noise;           /* x' = signal * that + noise z */
};

static void fill(void *move, const struct visits *visits, int e, const struct plan_request *request)
{
    const bool last = e + 1 == visits->count;
    const int next = last ? 0 : visits->timesteps[e + 1];
    const int beyond = (int)floorf((float)(1 - gamma_share) * (float)next);
    const struct signal_level level = noise_schedule_level(request->noise, beyond);
    const float *levels = request->noise->alphas_cumprod;
    const float share = levels[next] / levels[beyond];

    *(struct tcd_move *)move = (struct tcd_move){
        .data_scale = level.alpha,
        .noise_scale = level.sigma,
        .signal = last ? 1 : sqrtf(share),
        .noise = last ? 0 : sqrtf(1.0F - share),
    };
}

/* The class takes clip_sample, and clips nothing. */
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
    if (m->noise > 0)
        sampling_add_noise(state, m->noise);
}

const struct sampler_code tcd_code = {plan_run, advance};
