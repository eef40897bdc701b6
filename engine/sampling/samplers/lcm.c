/* lcm.c - multistep consistency sampling of a latent consistency model (Luo et al. 2023, arXiv 2310.04378,
 * algorithm 3): to a clean sample, and noise back to the next timestep. */
#include <math.h>

#include "sampling/visits.h"

struct lcm_move {
    float data_scale, sample_scale; /* the consistency function: data_scale x_0 + sample_scale x */
    float signal, noise;            /* x' = signal * that + noise z */
};

static void fill(void *move, const struct visits *visits, int e, const struct plan_request *request)
{
    const float sigma_data = 0.5F;
    const float t = (float)visits->timesteps[e] * (float)request->settings->value[KEY_timestep_scaling];
    const float spread = t * t + sigma_data * sigma_data;
    struct lcm_move *m = move;

    *m = (struct lcm_move){
        .data_scale = t / sqrtf(spread), .sample_scale = sigma_data * sigma_data / spread, .signal = 1};
    if (e + 1 < visits->count) {
        const struct signal_level after = noise_schedule_level(request->noise, visits->timesteps[e + 1]);

        m->signal = after.alpha;
        m->noise = after.sigma;
    }
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return visits_plan(plan, request, visits_distilled, fill, sizeof(struct lcm_move), err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct lcm_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++)
        x[i] = m->signal * (m->data_scale * clean[i] + m->sample_scale * x[i]);
    if (m->noise > 0)
        sampling_add_noise(state, m->noise);
}

const struct sampler_code lcm_code = {plan_run, advance};
