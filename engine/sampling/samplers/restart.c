/* restart.c - Restart (Xu et al. 2023, arXiv 2306.14878) as AUTOMATIC1111 takes it: steps of Heun's method on
 * Karras' levels; once sigma is down at LOW, noise back up to HIGH and down again, once or twice.  The steps
 * asked for are shared out among all of them; fewer than FEWEST go down once, on the levels as they are. */
#include <math.h>
#include <stdlib.h>

#include "sampling/samplers/heun.h"
#include "sampling/sigma_schedules.h"

enum { FEWEST = 20, FEWEST_TWICE = 36, STEPS_ONCE = 9 };

static const float LOW = 0.1F, HIGH = 2.0F;

struct descent {
    int steps, repeats, repeat_steps;
    float *sigmas; /* [steps + 1] the way down; the last is 0 */
    float *again;  /* [repeat_steps + 1] the part of it that is repeated, in steps of its own */
    int low;       /* place in sigmas where that ends */
};

/* out [count] from max to min. */
static enum ltd_status karras(float *out, int count, float max, float min, struct ltd_error *err)
{
    const struct sigma_range range = {.max = (double)max, .min = (double)min};
    double *sigmas = malloc((size_t)sigma_schedule_room(count) * sizeof *sigmas);

    if (!sigmas)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", count);
    sigma_schedule_fill(LTD_SCHEDULER_KARRAS, sigmas, count, &range);
    for (int i = 0; i < count; i++)
        out[i] = (float)sigmas[i];
    free(sigmas);
    return LTD_OK;
}

static int nearest(const float *sigmas, int count, float sigma)
{
    int best = 0;

    for (int i = 1; i < count; i++)
        if (fabsf(sigmas[i] - sigma) < fabsf(sigmas[best] - sigma))
            best = i;
    return best;
}

/* Both ends of what is repeated are levels of the way down exactly, so that no noise bridges their roundings.
 */
static enum ltd_status lay_out(struct descent *d, const struct levels *levels, struct ltd_error *err)
{
    enum ltd_status status =
        karras(d->sigmas, d->steps, levels->sigmas[0], levels->sigmas[levels->count - 1], err);
    int high;

    if (status != LTD_OK)
        return status;
    d->sigmas[d->steps] = 0;
    d->low = nearest(d->sigmas, d->steps + 1, LOW);
    high = nearest(d->sigmas, d->steps + 1, HIGH);
    if (high >= d->low)
        d->repeats = 0;
    status = karras(d->again, d->repeat_steps + 1, d->sigmas[high], d->sigmas[d->low], err);
    d->again[0] = d->sigmas[high];
    d->again[d->repeat_steps] = d->sigmas[d->low];
    return status;
}

static int fill_part(struct sampling_plan *plan, const struct levels *levels, int e, const float *sigmas,
                     int steps)
{
    const int evaluations = heun_evaluations(sigmas, steps);

    for (int i = 0; i < evaluations; i++)
        levels_step_between(levels, sigmas[i / 2 + i % 2], &plan->step[e + i]);
    return heun_fill(plan, e, sigmas, steps);
}

static enum ltd_status fill_descent(struct sampling_plan *plan, const struct levels *levels,
                                    const struct descent *d, float s_noise, struct ltd_error *err)
{
    const float *rest = d->sigmas + d->low;
    const float low = d->again[d->repeat_steps], high = d->again[0];
    const int evaluations = heun_evaluations(d->sigmas, d->low) +
                            d->repeats * heun_evaluations(d->again, d->repeat_steps) +
                            heun_evaluations(rest, d->steps - d->low);
    const enum ltd_status status = sampling_plan_reserve(plan, evaluations, sizeof(struct heun_move), err);
    int e;

    if (status != LTD_OK)
        return status;
    plan->vectors = HEUN_VECTORS;
    e = fill_part(plan, levels, 0, d->sigmas, d->low);
    for (int i = 0; i < d->repeats; i++) {
        struct heun_move *last = sampling_move(plan, e - 1);

        last->noise = sqrtf(high * high - low * low) * s_noise;
        e = fill_part(plan, levels, e, d->again, d->repeat_steps);
    }
    fill_part(plan, levels, e, rest, d->steps - d->low);
    return LTD_OK;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const bool twice = levels->count >= FEWEST_TWICE;
    struct descent d = {.repeats = twice ? 2 : 1, .repeat_steps = twice ? levels->count / 4 : STEPS_ONCE};
    enum ltd_status status;

    if (levels->count < FEWEST)
        return heun_fill_levels(plan, levels, request, err);
    d.steps = levels->count - d.repeats * d.repeat_steps;
    d.sigmas = calloc((size_t)d.steps + 1, sizeof *d.sigmas);
    d.again = calloc((size_t)d.repeat_steps + 1, sizeof *d.again);
    if (d.sigmas && d.again)
        status = lay_out(&d, levels, err);
    else
        status = ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", levels->count);
    if (status == LTD_OK)
        status = fill_descent(plan, levels, &d, (float)request->asked->s_noise, err);
    free(d.sigmas);
    free(d.again);
    return status;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    const struct level_rules rules = {.spaced_karras = true};

    plan->exploding = true;
    return levels_plan(plan, request, rules, fill, err);
}

const struct sampler_code restart_code = {plan_run, heun_advance};
