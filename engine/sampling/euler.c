/* euler.c - Euler's method in sigma (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without churn). */
#include "sampling/euler.h"

#include <math.h>
#include <stdlib.h>

#include "sampling/sigmas.h"
#include "sampling/spacing.h"

/* Room for every step's timestep and sigma, and for the two ends that interpolation and final_sigmas_type
 * add. */
struct draft {
    int steps;
    double *timesteps; /* [steps + 2] */
    double *sigmas;    /* [steps + 2] */
    float *rounded;    /* [steps + 2] */
};

static void draft_fini(struct draft *draft)
{
    free(draft->timesteps);
    free(draft->sigmas);
    free(draft->rounded);
}

static enum ltd_status draft_init(struct draft *draft, int steps, struct ltd_error *err)
{
    const size_t count = (size_t)steps + 2;

    *draft = (struct draft){.steps = steps,
                            .timesteps = calloc(count, sizeof *draft->timesteps),
                            .sigmas = calloc(count, sizeof *draft->sigmas),
                            .rounded = calloc(count, sizeof *draft->rounded)};
    if (draft->timesteps && draft->sigmas && draft->rounded)
        return LTD_OK;
    draft_fini(draft);
    return ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", steps);
}

/* sigmas at the timesteps; log-linear interpolation gives one more, the schedule's smallest.  Returns how
 * many. */
static int interpolate(struct draft *draft, const struct plan_request *request,
                       const struct sigma_table *table)
{
    const int steps = draft->steps;

    if (setting_int(request->settings, KEY_interpolation_type) == INTERPOLATE_LOG_LINEAR) {
        torch_linspace_f32(draft->rounded, steps + 1, table->log_sigma[table->count - 1],
                           table->log_sigma[0]);
        for (int i = 0; i <= steps; i++)
            draft->sigmas[i] = (double)expf(draft->rounded[i]);
        return steps + 1;
    }
    for (int i = 0; i < steps; i++)
        draft->sigmas[i] = sigma_at_timestep(table, draft->timesteps[i]);
    return steps;
}

/* Karras' or the exponential schedule over the range of the sigmas so far.  Returns how many. */
static int replace_sigmas(struct draft *draft, int count, const struct plan_request *request,
                          const struct sigma_table *table)
{
    const struct schedule_settings *settings = request->settings;
    const bool karras = setting_flag(settings, KEY_use_karras_sigmas);
    double max = settings->value[KEY_sigma_max], min = settings->value[KEY_sigma_min];

    if (!karras && !setting_flag(settings, KEY_use_exponential_sigmas))
        return count;
    max = isnan(max) ? draft->sigmas[0] : max;
    min = isnan(min) ? draft->sigmas[count - 1] : min;
    if (karras)
        sigmas_karras(draft->sigmas, draft->steps, max, min);
    else
        sigmas_exponential(draft->sigmas, draft->steps, max, min);
    for (int i = 0; i < draft->steps; i++)
        draft->timesteps[i] = (double)(float)sigma_to_timestep(table, draft->sigmas[i]);
    return draft->steps;
}

/* Appends the last sigma and rounds all.  Returns how many timesteps there are. */
static int finish(struct draft *draft, int count, const struct plan_request *request,
                  const struct sigma_table *table)
{
    const struct schedule_settings *settings = request->settings;

    draft->sigmas[count] =
        setting_int(settings, KEY_final_sigmas_type) == FINAL_SIGMA_MIN ? (double)table->sigma[0] : 0;
    for (int i = 0; i <= count; i++)
        draft->rounded[i] = (float)draft->sigmas[i];
    if (setting_int(settings, KEY_timestep_type) != TIMESTEP_CONTINUOUS ||
        setting_int(settings, KEY_prediction_type) != PREDICT_V)
        return draft->steps;
    for (int i = 0; i < count; i++)
        draft->timesteps[i] = (double)(0.25F * logf(draft->rounded[i]));
    return count;
}

static enum ltd_status draft_schedule(struct draft *draft, const struct plan_request *request,
                                      int *evaluations, struct ltd_error *err)
{
    struct sigma_table table = {0};
    enum ltd_status status = space_timesteps(request->settings, draft->steps, false, draft->timesteps, err);
    int count;

    if (status == LTD_OK)
        status = sigma_table_init(&table, request->noise, err);
    if (status != LTD_OK)
        return status;
    count = interpolate(draft, request, &table);
    count = replace_sigmas(draft, count, request, &table);
    *evaluations = finish(draft, count, request, &table);
    sigma_table_fini(&table);
    for (int i = 0; i < *evaluations; i++)
        if (!(draft->rounded[i] > 0 && isfinite(draft->rounded[i])))
            return ltd_fail(err, LTD_EINVAL,
                            "step %d of %d has no usable noise level; take another scheduler or fewer steps",
                            i + 1, *evaluations);
    return LTD_OK;
}

static struct euler_step step_between(float sigma, float sigma_after)
{
    const float spread = sigma * sigma + 1.0F;

    return (struct euler_step){
        .sigma = sigma,
        .change = sigma_after - sigma,
        .input_divisor = sqrtf(spread),
        .v_scale = -sigma / sqrtf(spread),
        .v_divisor = spread,
    };
}

static void fill_steps(struct sampling_plan *plan, const struct plan_request *request,
                       const struct draft *draft)
{
    const float *sigmas = draft->rounded + request->first;
    const bool leading = setting_int(request->settings, KEY_timestep_spacing) == SPACING_LEADING;
    float max = 0;

    for (int i = 0; i < request->first + plan->evaluations; i++)
        max = fmaxf(max, draft->rounded[i]);
    for (int e = 0; e < plan->evaluations; e++) {
        plan->step[e].timestep = draft->timesteps[request->first + e];
        plan->step[e].euler = step_between(sigmas[e], sigmas[e + 1]);
        plan->step[e].level = (struct signal_level){1.0F / plan->step[e].euler.input_divisor,
                                                    sigmas[e] / plan->step[e].euler.input_divisor};
    }
    plan->start_scale = leading ? sqrtf(max * max + 1.0F) : max;
    plan->start = (struct signal_level){.alpha = 1, .sigma = sigmas[0]};
    plan->vectors = 2;
}

enum ltd_status euler_plan(struct sampling_plan *plan, const struct plan_request *request,
                           struct ltd_error *err)
{
    struct draft draft;
    enum ltd_status status = draft_init(&draft, request->steps, err);
    int evaluations = 0;

    if (status != LTD_OK)
        return status;
    noise_schedule_bound_terminal(request->noise, request->settings);
    status = draft_schedule(&draft, request, &evaluations, err);
    if (status == LTD_OK)
        status = sampling_check_first(request, draft.timesteps, evaluations, err);
    if (status == LTD_OK)
        status = sampling_plan_reserve(plan, evaluations - request->first, err);
    if (status == LTD_OK)
        fill_steps(plan, request, &draft);
    draft_fini(&draft);
    return status;
}

const float *euler_input(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const float divisor = plan->step[evaluation].euler.input_divisor;
    float *input = state_vector(state, 1);

    for (size_t i = 0; i < state->n; i++)
        input[i] = state->x[i] / divisor;
    return input;
}

void euler_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct euler_step s = plan->step[evaluation].euler;
    const float *out = state->output;
    float *x = state->x;

    for (size_t i = 0; i < state->n; i++) {
        float data;

        switch (plan->prediction) {
        case PREDICT_EPSILON:
            data = x[i] - s.sigma * out[i];
            break;
        case PREDICT_V:
            data = out[i] * s.v_scale + x[i] / s.v_divisor;
            break;
        default:
            data = out[i];
            break;
        }
        x[i] += (x[i] - data) / s.sigma * s.change;
    }
}

const struct sampler_code euler_code = {euler_plan, euler_input, euler_advance};
