/* ddim.c - denoising diffusion implicit models (Song et al. 2021, arXiv 2010.02502, equation 12). */
#include <math.h>

#include "sampling/visits.h"

struct ddim_move {
    float data_scale, noise_scale, fresh; /* x' = data_scale x_0 + noise_scale eps + fresh z */
};

static void fill(void *move, const struct visits *visits, int e, const struct plan_request *request)
{
    const float *levels = request->noise->alphas_cumprod;
    const float final = setting_flag(request->settings, KEY_set_alpha_to_one) ? 1.0F : levels[0];
    const int after = visits->timesteps[e] - request->noise->count / request->steps;
    const float here = levels[visits->timesteps[e]], level = after >= 0 ? levels[after] : final;
    const float variance = (1.0F - level) / (1.0F - here) * (1.0F - here / level);
    const float fresh = request->eta > 0 ? (float)request->eta * sqrtf(variance) : 0;

    *(struct ddim_move *)move = (struct ddim_move){
        .data_scale = sqrtf(level), .noise_scale = sqrtf(1.0F - level - fresh * fresh), .fresh = fresh};
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return visits_plan(plan, request, visits_spaced, fill, sizeof(struct ddim_move), err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct ddim_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *noise = state->output;

    sampling_clean(plan, evaluation, state, clean);
    sampling_noise(plan, evaluation, state, noise);
    for (size_t i = 0; i < state->n; i++)
        state->x[i] = m->data_scale * clean[i] + m->noise_scale * noise[i];
    if (m->fresh != 0)
        sampling_add_noise(state, m->fresh);
}

const struct sampler_code ddim_code = {plan_run, advance};
