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

enum { BEST_STEPS = 10 };

/* Align Your Steps (Sabour et al. 2024, arXiv 2404.14507): the levels found best for Stable Diffusion 1.5 or
 * XL, interpolated log-linearly; the last gives way to the end of the run. */
static int align_your_steps(double *sigmas, int steps, const struct sigma_range *range)
{
    static const double of_sd[] = {14.615, 6.475, 3.861, 2.697, 1.886, 1.396,
                                   0.963,  0.652, 0.399, 0.152, 0.029};
    static const double of_xl[] = {14.615, 6.315, 3.771, 2.181, 1.342, 0.862,
                                   0.555,  0.380, 0.234, 0.113, 0.029};
    const double *best = range->is_xl ? of_xl : of_sd;

    for (int i = 0; i < steps; i++) {
        const double place = (double)i * BEST_STEPS / steps;
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

static int single_karras(double *sigmas, int steps, const struct sigma_range *range)
{
    const double rho = 7;
    const double from = pow(range->max, 1 / rho), to = pow(range->min, 1 / rho);

    for (int i = 0; i < steps; i++) {
        const float share = torch_linspace_f32_at(0, 1, steps, i);

        sigmas[i] = (double)powf((float)from + share * (float)(to - from), (float)rho);
    }
    return steps;
}

static int single_exponential(double *sigmas, int steps, const struct sigma_range *range)
{
    const float from = (float)log(range->max), to = (float)log(range->min);

    for (int i = 0; i < steps; i++)
        sigmas[i] = (double)expf(torch_linspace_f32_at(from, to, steps, i));
    return steps;
}

static int single_polyexponential(double *sigmas, int steps, const struct sigma_range *range)
{
    const double low = log(range->min), span = log(range->max) - low;

    for (int i = 0; i < steps; i++)
        sigmas[i] = (double)expf(torch_linspace_f32_at(1, 0, steps, i) * (float)span + (float)low);
    return steps;
}

static int single_even_timesteps(double *sigmas, int steps, int points, const struct sigma_range *range)
{
    const float *logs = range->table->log_sigma;
    const int last = range->table->count - 1;

    for (int i = 0; i < steps; i++) {
        const float t = torch_linspace_f32_at((float)last, 0, points, i), share = t - floorf(t);
        const int low = (int)t, high = low < last ? low + 1 : last;

        sigmas[i] = (double)expf((1.0F - share) * logs[low] + share * logs[high]);
    }
    return steps;
}

static int single_normal(double *sigmas, int steps, const struct sigma_range *range)
{
    return single_even_timesteps(sigmas, steps, steps, range);
}

static int single_sgm_uniform(double *sigmas, int steps, const struct sigma_range *range)
{
    return single_even_timesteps(sigmas, steps, steps + 1, range);
}

typedef int schedule_fn(double *sigmas, int steps, const struct sigma_range *range);

/* Those without a single_fill are tables, or f64 everywhere. */
static const struct {
    schedule_fn *fill, *single_fill;
    bool is_diffusers;
} schedules[LTD_SCHEDULER_COUNT] = {
    [LTD_SCHEDULER_KARRAS] = {karras, single_karras, true},
    [LTD_SCHEDULER_EXPONENTIAL] = {exponential, single_exponential, true},
    [LTD_SCHEDULER_BETA] = {beta, NULL, true},
    [LTD_SCHEDULER_POLYEXPONENTIAL] = {exponential, single_polyexponential, false}, /* rho 1 */
    [LTD_SCHEDULER_NORMAL] = {normal, single_normal, false},
    [LTD_SCHEDULER_SGM_UNIFORM] = {sgm_uniform, single_sgm_uniform, false},
    [LTD_SCHEDULER_SIMPLE] = {simple, NULL, false},
    [LTD_SCHEDULER_DDIM_UNIFORM] = {ddim_uniform, NULL, false},
    [LTD_SCHEDULER_ALIGN_YOUR_STEPS] = {align_your_steps, NULL, false},
    [LTD_SCHEDULER_KL_OPTIMAL] = {kl_optimal, NULL, false},
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
    schedule_fn *const single = range->single ? schedules[schedule].single_fill : NULL;

    return (single ? single : schedules[schedule].fill)(sigmas, steps, range);
}
