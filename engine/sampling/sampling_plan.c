#include "sampling/sampling_plan.h"

#include <math.h>
#include <stdlib.h>

#include "base/size_math.h"
#include "sampling/sampler_table.h"

enum ltd_status sampling_plan_reserve(struct sampling_plan *plan, int evaluations, size_t move_size,
                                      struct ltd_error *err)
{
    plan->step = calloc((size_t)evaluations, sizeof *plan->step);
    plan->moves = calloc((size_t)evaluations, move_size);
    plan->move_size = move_size;
    if (!plan->step || !plan->moves)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a plan of %d steps", evaluations);
    plan->evaluations = evaluations;
    return LTD_OK;
}

enum ltd_status sampling_check_first(const struct plan_request *request, const double *timesteps, int count,
                                     struct ltd_error *err)
{
    if (request->first > 0 || count < 2 || timesteps[0] != timesteps[1])
        return LTD_OK;
    return ltd_fail(
        err, LTD_EINVAL,
        "%d steps of this schedule begin with the same timestep twice; take fewer steps or another "
        "scheduler",
        request->steps);
}

enum ltd_status sampling_refuse_sample(struct ltd_error *err)
{
    return ltd_fail(err, LTD_EINVAL,
                    "this sampler does not take a model that predicts the sample; take another sampler");
}

/* Steps left out at the noisy end, as StableDiffusionImg2ImgPipeline counts them; -1: no step is left. */
static int steps_left_out(int steps, double strength)
{
    const int run = (int)(steps * strength);

    return run >= 1 ? steps - run : -1;
}

static enum ltd_status build(struct sampling_plan *plan, const struct schedule_settings *settings,
                             const struct sampling_request *asked, int first, struct ltd_error *err)
{
    struct noise_schedule noise = {0};
    const bool standard = asked->eta == LTD_ETA_STANDARD;
    const struct plan_request request = {.settings = settings,
                                         .noise = &noise,
                                         .steps = asked->steps,
                                         .first = first,
                                         .eta = standard ? ltd_sampler_eta(asked->sampler) : asked->eta,
                                         .asked = asked};
    enum ltd_status status = noise_schedule_init(&noise, settings, err);

    if (status == LTD_OK && asked->steps > noise.count)
        status =
            ltd_fail(err, LTD_EINVAL, "%d steps are more than the model's %d training timesteps; take fewer",
                     asked->steps, noise.count);
    if (status == LTD_OK)
        status = plan->code->plan(plan, &request, err);
    noise_schedule_fini(&noise);
    return status;
}

static enum ltd_status check_eta(const struct sampling_request *asked, struct ltd_error *err)
{
    if (asked->eta == LTD_ETA_STANDARD)
        return LTD_OK;
    if (ltd_sampler_eta(asked->sampler) == LTD_ETA_STANDARD)
        return ltd_fail(err, LTD_EINVAL, "the sampler %s has no eta; leave it out",
                        ltd_sampler_name(asked->sampler));
    if (!(asked->eta >= 0 && asked->eta <= 1))
        return ltd_fail(err, LTD_EINVAL, "eta is %g; take 0 to 1", asked->eta);
    return LTD_OK;
}

enum ltd_status sampling_plan_new(const struct schedule_config *config, const struct sampling_request *asked,
                                  struct sampling_plan **out, struct ltd_error *err)
{
    struct schedule_settings settings;
    struct sampling_plan *plan;
    enum ltd_status status;
    int first;

    if (asked->steps < 1)
        return ltd_fail(err, LTD_EINVAL, "steps is %d; take at least 1", asked->steps);
    if (!(asked->strength > 0 && asked->strength <= 1))
        return ltd_fail(err, LTD_EINVAL, "strength is %g; take more than 0 and at most 1", asked->strength);
    first = steps_left_out(asked->steps, asked->strength);
    if (first < 0)
        return ltd_fail(err, LTD_EINVAL, "a strength of %g leaves none of %d steps; take more of either",
                        asked->strength, asked->steps);
    status = check_eta(asked, err);
    if (status == LTD_OK)
        status = schedule_config_resolve(config, asked->sampler, asked->scheduler, &settings, err);
    if (status != LTD_OK)
        return status;
    plan = calloc(1, sizeof *plan);
    if (!plan)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a plan of %d steps", asked->steps);
    plan->code = sampler_table[asked->sampler].code;
    plan->prediction = setting_int(&settings, KEY_prediction_type);
    plan->vectors = FIRST_OWN_VECTOR;
    plan->clip_range =
        setting_flag(&settings, KEY_clip_sample) ? (float)settings.value[KEY_clip_sample_range] : INFINITY;
    plan->start_scale = 1;
    status = build(plan, &settings, asked, first, err);
    if (status != LTD_OK) {
        sampling_plan_free(plan);
        return status;
    }
    *out = plan;
    return LTD_OK;
}

void sampling_plan_free(struct sampling_plan *plan)
{
    if (!plan)
        return;
    free(plan->step);
    free(plan->moves);
    free(plan);
}

int sampling_plan_evaluations(const struct sampling_plan *plan)
{
    return plan->evaluations;
}

double sampling_plan_timestep(const struct sampling_plan *plan, int evaluation)
{
    return plan->step[evaluation].timestep;
}

size_t sampling_plan_scratch(const struct sampling_plan *plan, size_t n)
{
    size_t floats;

    return size_mul((size_t)plan->vectors, n, &floats) ? floats : SIZE_MAX;
}

void sampling_start_from_noise(const struct sampling_plan *plan, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= plan->start_scale;
}

void sampling_start_from_latent(const struct sampling_plan *plan, float *x, const float *noise, size_t n)
{
    noise_mix(x, noise, n, plan->start.alpha, plan->start.sigma);
}

float sampling_known_sample(const struct sampling_plan *plan, int done, float clean, float noise)
{
    const struct sampling_step *step = &plan->step[done];

    if (done == plan->evaluations)
        return clean;
    if (plan->exploding)
        return clean + noise * (step->end_sigma > 0 ? step->end_sigma : step->sigma);
    return step->level.alpha * clean + step->level.sigma * noise;
}

float sampling_known_word(const struct sampling_plan *plan, int done, float clean, float input)
{
    const struct signal_level level = plan->step[done].level;

    switch (plan->prediction) {
    case PREDICT_EPSILON:
        return (input - level.alpha * clean) / level.sigma;
    case PREDICT_V:
        return (level.alpha * input - clean) / level.sigma;
    default:
        return clean;
    }
}

/* What the network gets for x. */
static const float *scaled_input(const struct sampling_plan *plan, int evaluation,
                                 const struct sampling_state *state)
{
    const float sigma = plan->step[evaluation].sigma, divisor = sqrtf(sigma * sigma + 1.0F);
    float *input = state_vector(state, INPUT_VECTOR);

    if (!plan->exploding)
        return state->x;
    for (size_t i = 0; i < state->n; i++)
        input[i] = state->x[i] / divisor;
    return input;
}

static bool all_finite(const float *x, size_t n)
{
    int finite = 1;

    for (size_t i = 0; i < n; i++)
        finite &= fabsf(x[i]) <= 3.402823466e38F;
    return finite;
}

static void clean_preserving(int prediction, struct signal_level level, float *clean, const float *x,
                             const float *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (prediction) {
        case PREDICT_EPSILON:
            clean[i] = (x[i] - level.sigma * word[i]) / level.alpha;
            break;
        case PREDICT_V:
            clean[i] = level.alpha * x[i] - level.sigma * word[i];
            break;
        default:
            clean[i] = word[i];
            break;
        }
    }
}

static void clean_exploding(int prediction, float sigma, float *clean, const float *x, const float *word,
                            size_t n)
{
    const float spread = sigma * sigma + 1.0F, v_scale = -sigma / sqrtf(spread);

    for (size_t i = 0; i < n; i++) {
        switch (prediction) {
        case PREDICT_EPSILON:
            clean[i] = x[i] - sigma * word[i];
            break;
        case PREDICT_V:
            clean[i] = word[i] * v_scale + x[i] / spread;
            break;
        default:
            clean[i] = word[i];
            break;
        }
    }
}

void sampling_clean(const struct sampling_plan *plan, int evaluation, const struct sampling_state *state,
                    float *clean)
{
    const struct sampling_step *step = &plan->step[evaluation];

    if (plan->exploding)
        clean_exploding(plan->prediction, step->sigma, clean, state->x, state->output, state->n);
    else
        clean_preserving(plan->prediction, step->level, clean, state->x, state->output, state->n);
    for (size_t i = 0; i < state->n && isfinite(plan->clip_range); i++)
        clean[i] = sampling_clip(clean[i], plan->clip_range);
}

void sampling_noise(const struct sampling_plan *plan, int evaluation, const struct sampling_state *state,
                    float *noise)
{
    const struct signal_level level = plan->step[evaluation].level;
    const float *word = state->output, *x = state->x;

    for (size_t i = 0; i < state->n; i++) {
        switch (plan->prediction) {
        case PREDICT_EPSILON:
            noise[i] = word[i];
            break;
        case PREDICT_V:
            noise[i] = level.alpha * word[i] + level.sigma * x[i];
            break;
        default:
            noise[i] = (x[i] - level.alpha * word[i]) / level.sigma;
            break;
        }
    }
}

void sampling_add_noise(struct sampling_state *state, float deviation)
{
    float *noise = state_vector(state, INPUT_VECTOR);

    torch_rng_normal(state->rng, noise, state->n);
    for (size_t i = 0; i < state->n; i++)
        state->x[i] += noise[i] * deviation;
}

enum ltd_status sampling_follow_path(struct sampling_plan *plan, const struct plan_request *request,
                                     float low, float high, struct ltd_error *err)
{
    if (!(high <= BROWNIAN_TREE_MAX_SIGMA))
        return ltd_fail(err, LTD_EINVAL,
                        "the noise reaches sigma %g, and this sampler's at most %g; take another",
                        (double)high, (double)BROWNIAN_TREE_MAX_SIGMA);
    brownian_tree_init(&plan->path, request->asked->seed, low, high);
    plan->path_vector = plan->vectors;
    plan->vectors += BROWNIAN_TREE_VECTORS;
    return LTD_OK;
}

void sampling_add_noise_between(const struct sampling_plan *plan, struct sampling_state *state, float from,
                                float to, float deviation)
{
    float *noise = state_vector(state, INPUT_VECTOR);

    if (plan->path_vector == 0) {
        sampling_add_noise(state, deviation);
        return;
    }
    brownian_tree_noise(&plan->path, noise, from, to, state->n, state_vector(state, plan->path_vector));
    for (size_t i = 0; i < state->n; i++)
        state->x[i] += noise[i] * deviation;
}

/* Before advance(), which moves x and may overwrite the word. */
static const float *take_clean(const struct sampling_plan *plan, int evaluation,
                               const struct sampling_state *state, const struct sampling_watch *watch)
{
    if (!watch || !watch->wants_clean || !atomic_load(watch->wants_clean))
        return NULL;
    sampling_clean(plan, evaluation, state, watch->clean);
    return watch->clean;
}

enum ltd_status sampling_run(const struct sampling_plan *plan, const struct denoiser *denoiser,
                             struct torch_rng *rng, float *x, size_t n, float *scratch,
                             const struct sampling_watch *watch, struct ltd_error *err)
{
    struct sampling_state state = {.rng = rng, .x = x, .n = n, .output = scratch, .scratch = scratch};

    for (int e = 0; e < plan->evaluations; e++) {
        const float *input, *clean;

        if (plan->step[e].churned)
            sampling_add_noise(&state, plan->step[e].churn);
        input = scaled_input(plan, e, &state);
        if (!denoiser->predict(denoiser->self, state.output, input, plan->step[e].timestep))
            return ltd_fail(err, LTD_ECANCELED, "canceled at step %d of %d", e + 1, plan->evaluations);
        clean = take_clean(plan, e, &state, watch);
        plan->code->advance(plan, e, &state);
        if (!all_finite(x, n))
            return ltd_fail(err, LTD_ENONFINITE, "the latent stopped being finite at step %d of %d", e + 1,
                            plan->evaluations);
        if (denoiser->settle)
            denoiser->settle(denoiser->self, x, e + 1);
        if (watch)
            watch->step(watch->arg, e + 1, plan->evaluations, clean);
    }
    return LTD_OK;
}
