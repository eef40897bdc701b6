#include "sampling/sigma_schedules.h"

#include <math.h>

#include "sampling/beta_quantile.h"
#include "sampling/spacing.h"

/* Karras et al. 2022, arXiv 2206.00364, equation 5 with rho 7. */
static int karras(double *sigmas, int steps, const struct sigma_range *range)
{
    const double rho = 7;
    const double from = pow(range->max, 1 / rho), to = pow(range->min, 1 / rho);

    for (int i = 0; i < steps; i++)
        sigmas[i] = pow(from + numpy_linspace(0, 1, steps, i) * (to - from), rho);
    return steps;
}

/* Evenly spaced in log sigma. */
static int exponential(double *sigmas, int steps, const struct sigma_range *range)
{
    for (int i = 0; i < steps; i++)
        sigmas[i] = exp(numpy_linspace(log(range->max), log(range->min), steps, i));
    return steps;
}

/* Evenly spaced in timesteps from that of max to that of min, `points` of them of which the first `steps` are
 * taken. */
static int even_timesteps(double *sigmas, int steps, int points, const struct sigma_range *range)
{
    const double from = sigma_to_timestep(range->table, range->max);
    const double to = sigma_to_timestep(range->table, range->min);

    for (int i = 0; i < steps; i++)
        sigmas[i] = sigma_between_timesteps(range->table, numpy_linspace(from, to, points, i));
    return steps;
}

static int normal(double *sigmas, int steps, const struct sigma_range *range)
{
    return even_timesteps(sigmas, steps, steps, range);
}

/* The clean end left out, as Stability AI's generative-models do. */
static int sgm_uniform(double *sigmas, int steps, const struct sigma_range *range)
{
    return even_timesteps(sigmas, steps, steps + 1, range);
}

/* The model's own sigmas, at even places in their list. */
static int simple(double *sigmas, int steps, const struct sigma_range *range)
{
    const double stride = (double)range->table->count / steps;

    for (int i = 0; i < steps; i++)
        sigmas[i] = (double)range->table->sigma[range->table->count - 1 - (int)(i * stride)];
    return steps;
}

/* The same from the clean end by a whole stride, as many as there are. */
static int ddim_uniform(double *sigmas, int steps, const struct sigma_range *range)
{
    const int stride = range->table->count / steps;
    const int count = (range->table->count - 2) / stride + 1;

    for (int i = 0; i < count; i++)
        sigmas[count - 1 - i] = (double)range->table->sigma[1 + i * stride];
    return count;
}

/* Quantiles of a beta distribution over the sigmas (Lee et al. 2024, arXiv 2407.12173). */
static int beta(double *sigmas, int steps, const struct sigma_range *range)
{
    const double shape = 0.6;

    for (int i = 0; i < steps; i++) {
        const double share = beta_quantile(1 - numpy_linspace(0, 1, steps, i), shape);

        sigmas[i] = range->min + share * (range->max - range->min);
    }
    return steps;
}

/* Align Your Steps (Sabour et al. 2024, arXiv 2404.14507): the levels found best for Stable Diffusion 1.5,
 * interpolated log-linearly; the last gives way to the end of the run. */
static int align_your_steps(double *sigmas, int steps, const struct sigma_range *range)
{
    static const double best[] = {14.615, 6.475, 3.861, 2.697, 1.886, 1.396,
                                  0.963,  0.652, 0.399, 0.152, 0.029};
    const int last = sizeof best / sizeof best[0] - 1;

    (void)range;
    for (int i = 0; i < steps; i++) {
        const double place = (double)i * last / steps;
        const int k = (int)place;

        sigmas[i] = exp(log(best[k]) + (place - k) * (log(best[k + 1]) - log(best[k])));
    }
    return steps;
}

/* Evenly spaced in the arc tangent of sigma: the KL-optimal one for Gaussian data (ibid.). */
static int kl_optimal(double *sigmas, int steps, const struct sigma_range *range)
{
    for (int i = 0; i < steps; i++)
        sigmas[i] = tan(numpy_linspace(atan(range->max), atan(range->min), steps, i));
    return steps;
}

typedef int schedule_fn(double *sigmas, int steps, const struct sigma_range *range);

static const struct {
    schedule_fn *fill;
    bool is_diffusers;
} schedules[LTD_SCHEDULER_COUNT] = {
    [LTD_SCHEDULER_KARRAS] = {karras, true},
    [LTD_SCHEDULER_EXPONENTIAL] = {exponential, true},
    [LTD_SCHEDULER_BETA] = {beta, true},
    [LTD_SCHEDULER_POLYEXPONENTIAL] = {exponential, false}, /* rho 1 */
    [LTD_SCHEDULER_NORMAL] = {normal, false},
    [LTD_SCHEDULER_SGM_UNIFORM] = {sgm_uniform, false},
    [LTD_SCHEDULER_SIMPLE] = {simple, false},
    [LTD_SCHEDULER_DDIM_UNIFORM] = {ddim_uniform, false},
    [LTD_SCHEDULER_ALIGN_YOUR_STEPS] = {align_your_steps, false},
    [LTD_SCHEDULER_KL_OPTIMAL] = {kl_optimal, false},
};

bool sigma_schedule_exists(enum ltd_scheduler schedule)
{
    return schedules[schedule].fill != NULL;
}

bool sigma_schedule_is_diffusers(enum ltd_scheduler schedule)
{
    return schedules[schedule].is_diffusers;
}

/* ddim_uniform's whole stride is more than half of the even one. */
int sigma_schedule_room(int steps)
{
    return 2 * steps + 2;
}

int sigma_schedule_fill(enum ltd_scheduler schedule, double *sigmas, int steps,
                        const struct sigma_range *range)
{
    return schedules[schedule].fill(sigmas, steps, range);
}
