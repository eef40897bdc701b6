/* ddpm.c - denoising diffusion probabilistic models (Ho et al. 2020, arXiv 2006.11239, algorithm 2), over
 * fewer timesteps than the model was trained at. */
#include <math.h>

#include "sampling/visits.h"

struct ddpm_move {
    float data_scale, sample_scale, noise; /* x' = data_scale x_0 + sample_scale x + noise z */
};

/* The deviation of the noise that is added back. */
static float deviation(const struct schedule_settings *settings, float level, float after, float beta)
{
    const float variance = fmaxf((1.0F - after) / (1.0F - level) * beta, 1e-20F);

    switch (setting_int(settings, KEY_variance_type)) {
    case VARIANCE_SMALL_LOG:
        return expf(0.5F * logf(variance));
    case VARIANCE_LARGE:
        return sqrtf(beta);
    default:
        return sqrtf(variance);
    }
}

/* Equation 7. */
static void fill(void *move, const struct visits *visits, int e, const struct plan_request *request)
{
    const float *levels = request->noise->alphas_cumprod;
    const float level = levels[visits->timesteps[e]];
    const float after = e + 1 < visits->count ? levels[visits->timesteps[e + 1]] : 1.0F;
    const float alpha = level / after, beta = 1.0F - alpha;

    *(struct ddpm_move *)move = (struct ddpm_move){
        .data_scale = sqrtf(after) * beta / (1.0F - level),
        .sample_scale = sqrtf(alpha) * (1.0F - after) / (1.0F - level),
        .noise = visits->timesteps[e] > 0 ? deviation(request->settings, level, after, beta) : 0,
    };
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return visits_plan(plan, request, visits_spaced, fill, sizeof(struct ddpm_move), err);
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct ddpm_move *m = sampling_move(plan, evaluation);
    float *clean = state_vector(state, INPUT_VECTOR), *x = state->x;

    sampling_clean(plan, evaluation, state, clean);
    for (size_t i = 0; i < state->n; i++)
        x[i] = m->data_scale * clean[i] + m->sample_scale * x[i];
    if (m->noise > 0)
        sampling_add_noise(state, m->noise);
}

const struct sampler_code ddpm_code = {plan_run, advance};
