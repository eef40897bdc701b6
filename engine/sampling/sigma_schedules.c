#include "sampling/sigma_schedules.h"

#include <math.h>

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

typedef int schedule_fn(double *sigmas, int steps, const struct sigma_range *range);

static const struct {
    schedule_fn *fill;
    bool is_diffusers;
} schedules[LTD_SCHEDULER_COUNT] = {
    [LTD_SCHEDULER_KARRAS] = {karras, true},
    [LTD_SCHEDULER_EXPONENTIAL] = {exponential, true},
};

bool sigma_schedule_exists(enum ltd_scheduler schedule)
{
    return schedules[schedule].fill != NULL;
}

bool sigma_schedule_is_diffusers(enum ltd_scheduler schedule)
{
    return schedules[schedule].is_diffusers;
}

int sigma_schedule_room(int steps)
{
    return steps + 2;
}

int sigma_schedule_fill(enum ltd_scheduler schedule, double *sigmas, int steps,
                        const struct sigma_range *range)
{
    return schedules[schedule].fill(sigmas, steps, range);
}
