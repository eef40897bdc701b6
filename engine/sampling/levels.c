#include "sampling/levels.h"

#include <math.h>
#include <stdlib.h>

#include "sampling/sigma_schedules.h"
#include "sampling/spacing.h"

/* All levels as they grow: f64 until they are known. */
struct draft {
    int timesteps_known, count; /* of timesteps, and of sigmas before the last */
    double *timesteps, *sigmas; /* [sigma_schedule_room(steps)] */
    float *rounded;             /* the same, in f32 */
    float noise_scale;          /* from noise, in the variance-exploding frame: x = noise_scale * noise */
    struct sigma_table table;
};

static enum ltd_status reserve(struct draft *draft, int steps, struct ltd_error *err)
{
    const size_t room = (size_t)sigma_schedule_room(steps);

    *draft = (struct draft){.timesteps = calloc(room, sizeof *draft->timesteps),
                            .sigmas = calloc(room, sizeof *draft->sigmas),
                            .rounded = calloc(room, sizeof *draft->rounded)};
    if (draft->timesteps && draft->sigmas && draft->rounded)
        return LTD_OK;
    return ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", steps);
}

static void release(struct draft *draft)
{
    free(draft->timesteps);
    free(draft->sigmas);
    free(draft->rounded);
    sigma_table_fini(&draft->table);
}

/* lambda_min_clipped keeps the noisy end of a cosine schedule out: how many training timesteps are left. */
static int usable_timesteps(const struct plan_request *request)
{
    const float bound = (float)request->settings->value[KEY_lambda_min_clipped];
    int count = request->noise->count;

    for (int t = 0; t < request->noise->count; t++) {
        const float level = request->noise->alphas_cumprod[t];

        if (logf(sqrtf(level)) - logf(sqrtf(1.0F - level)) < bound)
            count--;
    }
    return count;
}

static enum ltd_status space(struct draft *draft, const struct plan_request *request, bool open,
                             struct ltd_error *err)
{
    int usable;

    if (!open) {
        draft->timesteps_known = request->steps;
        return space_timesteps(request->settings, request->steps, false, draft->timesteps, err);
    }
    usable = usable_timesteps(request);
    if (usable < 1)
        return ltd_fail(err, LTD_EFORMAT, "scheduler_config.json: lambda_min_clipped leaves no timestep");
    return space_open_timesteps(request->settings, usable, request->steps, draft->timesteps,
                                &draft->timesteps_known, err);
}

/* sigmas at the timesteps; log-linear interpolation gives one more, the schedule's smallest. */
static void interpolate(struct draft *draft, const struct plan_request *request)
{
    const struct sigma_table *table = &draft->table;
    const int steps = request->steps;

    draft->count = draft->timesteps_known;
    for (int i = 0; i < draft->count; i++)
        draft->sigmas[i] = sigma_at_timestep(table, draft->timesteps[i]);
    if (setting_int(request->settings, KEY_interpolation_type) != INTERPOLATE_LOG_LINEAR)
        return;
    torch_linspace_f32(draft->rounded, steps + 1, table->log_sigma[table->count - 1], table->log_sigma[0]);
    for (int i = 0; i <= steps; i++)
        draft->sigmas[i] = (double)expf(draft->rounded[i]);
    draft->count = steps + 1;
}

/* What the sigma schedules of diffusers span: the sigmas so far, or all of the model's.  use_lu_lambdas spans
 * their rounded logarithms. */
static struct sigma_range range_of(const struct draft *draft, const struct plan_request *request,
                                   struct level_rules rules)
{
    const struct sigma_table *table = &draft->table;
    const enum ltd_scheduler schedule = request->settings->schedule;
    const bool whole = rules.open || rules.webui || !sigma_schedule_is_diffusers(schedule);
    const bool unset = rules.webui || (rules.spaced_karras && schedule == LTD_SCHEDULER_KARRAS);
    const double max = unset ? NAN : request->settings->value[KEY_sigma_max];
    const double min = unset ? NAN : request->settings->value[KEY_sigma_min];
    const double first = whole ? (double)table->sigma[table->count - 1] : draft->sigmas[0];
    const double last = whole ? (double)table->sigma[0] : draft->sigmas[draft->count - 1];

    if (setting_flag(request->settings, KEY_use_lu_lambdas) && !rules.webui)
        return (struct sigma_range){.table = table,
                                    .max = exp((double)table->log_sigma[table->count - 1]),
                                    .min = exp((double)table->log_sigma[0])};
    return (struct sigma_range){.table = table,
                                .max = isnan(max) ? first : max,
                                .min = isnan(min) ? last : min,
                                .is_xl = request->settings->is_xl,
                                .single = rules.webui};
}

/* diffusers rounds Karras' timesteps where they must be whole, and cuts the fraction off all others. */
static double timestep_of(const struct draft *draft, const struct plan_request *request,
                          struct level_rules rules, double sigma)
{
    const double t = sigma_to_timestep(&draft->table, sigma);
    const bool cosine = setting_int(request->settings, KEY_beta_schedule) == BETAS_SQUARED_COSINE;
    const bool cut = request->settings->schedule == LTD_SCHEDULER_BETA ||
                     (request->settings->schedule == LTD_SCHEDULER_EXPONENTIAL &&
                      !setting_flag(request->settings, KEY_use_lu_lambdas));

    if (!rules.open)
        return rules.rounds && !cut ? rint(t) : (double)(float)t;
    return cut || (cosine && !rules.rounds) ? trunc(t) : rint(t);
}

static void replace(struct draft *draft, const struct plan_request *request, struct level_rules rules)
{
    const struct sigma_range range = range_of(draft, request, rules);

    draft->count = sigma_schedule_fill(request->settings->schedule, draft->sigmas, request->steps, &range);
    draft->timesteps_known = draft->count;
    for (int i = 0; i < draft->count; i++)
        draft->timesteps[i] = timestep_of(draft, request, rules, draft->sigmas[i]);
}

/* Appends the last sigma, rounds all, and settles how many levels there are. */
static void finish(struct draft *draft, const struct plan_request *request, struct level_rules rules)
{
    const bool own_last = request->settings->schedule != LTD_SCHEDULER_MODEL && rules.ends_on_last;
    const bool to_zero = rules.webui || setting_int(request->settings, KEY_final_sigmas_type) == FINAL_ZERO;
    const bool leading =
        !rules.webui && setting_int(request->settings, KEY_timestep_spacing) == SPACING_LEADING;
    const double smallest = own_last ? draft->sigmas[draft->count - 1] : (double)draft->table.sigma[0];
    float max = 0;

    draft->sigmas[draft->count] = to_zero ? 0 : smallest;
    for (int i = 0; i <= draft->count; i++) {
        draft->rounded[i] = (float)draft->sigmas[i];
        max = fmaxf(max, draft->rounded[i]);
    }
    draft->noise_scale = leading ? sqrtf(max * max + 1.0F) : max;
    if (setting_int(request->settings, KEY_timestep_type) != TIMESTEP_CONTINUOUS ||
        setting_int(request->settings, KEY_prediction_type) != PREDICT_V)
        return;
    draft->timesteps_known = draft->count;
    for (int i = 0; i < draft->count; i++)
        draft->timesteps[i] = (double)(0.25F * logf(draft->rounded[i]));
}

static enum ltd_status check(const struct draft *draft, const struct plan_request *request,
                             struct ltd_error *err)
{
    const int count = draft->timesteps_known;

    if (count <= request->first)
        return ltd_fail(err, LTD_EINVAL, "this strength leaves none of %d steps; take more of either", count);
    for (int i = 0; i < count; i++)
        if (!(draft->rounded[i] > 0 && isfinite(draft->rounded[i])))
            return ltd_fail(err, LTD_EINVAL,
                            "step %d of %d has no usable noise level; take another scheduler or fewer steps",
                            i + 1, count);
    return sampling_check_first(request, draft->timesteps, count, err);
}

static enum ltd_status make(struct draft *draft, const struct plan_request *request, struct level_rules rules,
                            struct ltd_error *err)
{
    enum ltd_status status = reserve(draft, request->steps, err);

    noise_schedule_bound_terminal(request->noise, request->settings);
    if (status == LTD_OK)
        status = space(draft, request, rules.open, err);
    if (status == LTD_OK)
        status = sigma_table_init(&draft->table, request->noise, err);
    if (status != LTD_OK)
        return status;
    interpolate(draft, request);
    if (request->settings->schedule != LTD_SCHEDULER_MODEL)
        replace(draft, request, rules);
    finish(draft, request, rules);
    return check(draft, request, err);
}

enum ltd_status levels_plan(struct sampling_plan *plan, const struct plan_request *request,
                            struct level_rules rules, levels_fill_fn *fill, struct ltd_error *err)
{
    struct draft draft;
    enum ltd_status status = make(&draft, request, rules, err);

    if (status == LTD_OK) {
        const int first = request->first;
        const struct levels levels = {.table = draft.table,
                                      .first = first,
                                      .count = draft.timesteps_known - first,
                                      .timesteps = draft.timesteps + first,
                                      .sigmas = draft.rounded + first};

        if (plan->exploding)
            plan->start_scale = draft.noise_scale;
        plan->start = plan->exploding ? (struct signal_level){.alpha = 1, .sigma = levels.sigmas[0]}
                                      : level_of_sigma(levels.sigmas[0]);
        status = fill(plan, &levels, request, err);
    }
    release(&draft);
    return status;
}

void levels_step(const struct levels *levels, int i, struct sampling_step *step)
{
    if (i == levels->count) {
        levels_step_between(levels, levels->sigmas[i], step);
        return;
    }
    *step = (struct sampling_step){.timestep = levels->timesteps[i],
                                   .level = level_of_sigma(levels->sigmas[i]),
                                   .sigma = levels->sigmas[i]};
}

void levels_step_between(const struct levels *levels, float sigma, struct sampling_step *step)
{
    *step =
        (struct sampling_step){.timestep = (double)(float)sigma_to_timestep(&levels->table, (double)sigma),
                               .level = level_of_sigma(sigma),
                               .sigma = sigma};
}

float levels_step_churned(const struct levels *levels, const struct plan_request *request, int i,
                          struct sampling_step *step)
{
    const struct sampling_request *asked = request->asked;
    const float sigma = levels->sigmas[i];
    const bool bounded = asked->s_tmax > 0 && sigma > (float)asked->s_tmax;
    const bool inside = sigma >= (float)asked->s_tmin && !bounded;
    const double gamma = inside ? fmin(asked->s_churn / levels->count, sqrt(2) - 1) : 0;
    const float raised = sigma * (float)(gamma + 1);

    levels_step(levels, i, step);
    if (gamma > 0) {
        levels_step_between(levels, raised, step);
        step->end_sigma = sigma;
    }
    step->churned = asked->s_churn > 0;
    step->churn = sqrtf(raised * raised - sigma * sigma) * (float)asked->s_noise;
    return raised;
}

enum ltd_status levels_follow_path(struct sampling_plan *plan, const struct levels *levels,
                                   const struct plan_request *request, struct ltd_error *err)
{
    float low = INFINITY, high = 0;

    for (int i = -levels->first; i <= levels->count; i++) {
        const float sigma = levels->sigmas[i];

        high = fmaxf(high, sigma);
        low = sigma > 0 ? fminf(low, sigma) : low;
    }
    return sampling_follow_path(plan, request, low, high, err);
}

struct signal_level level_of_sigma(float sigma)
{
    const float alpha = 1.0F / sqrtf(sigma * sigma + 1.0F);

    return (struct signal_level){.alpha = alpha, .sigma = sigma * alpha};
}
