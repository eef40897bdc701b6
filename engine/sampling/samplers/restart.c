/* restart.c - Restart (Xu et al. 2023, arXiv 2306.14878): Heun's method down to a low level, then noise back
 * up to a higher one and down again, as often as pays.  When it does so is AUTOMATIC1111's choice: not in
 * fewer than 20 steps, else by Karras' levels, between 2 and 0.1, once, in 36 steps or more twice. */
#include <math.h>
#include <stdlib.h>

#include "sampling/samplers/heun.h"

enum { LEAST_STEPS = 20, STEPS_FOR_TWO = 36 };

/* The steps in the order in which they are gone.  Where one begins above the end of the one before, noise is
 * added. */
struct path {
    int count;
    struct leg {
        float from, to;
    } * leg; /* [count] */
};

/* Karras' levels in f32, where their last is an ulp or two off the smallest: noise is added for it, too. */
static float karras(float max, float min, int count, int i)
{
    const double rho = 7;
    const double from = pow((double)max, 1 / rho), to = pow((double)min, 1 / rho);
    float ramp[2];

    /* torch_linspace_f32 from the end that value i is counted from. */
    ramp[0] = count > 1 ? 1.0F / (float)(count - 1) : 0;
    ramp[1] = i < count / 2 || count == 1 ? ramp[0] * (float)i : fmaf(-ramp[0], (float)(count - 1 - i), 1);
    return (float)pow((double)((float)from + ramp[1] * (float)(to - from)), rho);
}

static void append_legs(struct path *path, const float *sigmas, int count)
{
    for (int i = 0; i + 1 < count; i++)
        path->leg[path->count++] = (struct leg){sigmas[i], sigmas[i + 1]};
}

/* Of a list of levels, the nearest to a sigma. */
static int nearest(const float *sigmas, int count, float sigma)
{
    int best = 0;

    for (int i = 1; i < count; i++)
        if (fabsf(sigmas[i] - sigma) < fabsf(sigmas[best] - sigma))
            best = i;
    return best;
}

/* Karras' levels in fewer steps, and what the steps saved are for in between.  room [steps + 1]. */
static void lay(struct path *path, const struct levels *levels, float *room)
{
    const int steps = levels->count, times = steps < STEPS_FOR_TWO ? 1 : 2;
    const int again = times == 1 ? 9 : steps / 4, down = steps - again * times;
    int low, high;

    for (int i = 0; i < down; i++)
        room[i] = karras(levels->sigmas[0], levels->sigmas[steps - 1], down, i);
    room[down] = 0;
    low = nearest(room, down + 1, 0.1F);
    high = nearest(room, down + 1, 2.0F);
    append_legs(path, room, low + 1);
    for (int t = 0; t < times && high < low; t++)
        for (int i = 0; i < again; i++)
            path->leg[path->count++] = (struct leg){karras(room[high], room[low], again + 1, i),
                                                    karras(room[high], room[low], again + 1, i + 1)};
    append_legs(path, room + low, down + 1 - low);
}

static enum ltd_status fill_path(struct sampling_plan *plan, const struct levels *levels,
                                 const struct path *path, struct ltd_error *err)
{
    int evaluations = 0, e = 0;
    enum ltd_status status;

    for (int i = 0; i < path->count; i++)
        evaluations += path->leg[i].to > 0 ? 2 : 1;
    status = sampling_plan_reserve(plan, evaluations, sizeof(struct heun_move), err);
    for (int i = 0; i < path->count && status == LTD_OK; i++) {
        const float from = path->leg[i].from, to = path->leg[i].to;

        if (i > 0 && path->leg[i - 1].to < from)
            ((struct heun_move *)sampling_move(plan, e - 1))->noise =
                sqrtf(from * from - path->leg[i - 1].to * path->leg[i - 1].to);
        levels_step_at(levels, from, &plan->step[e]);
        if (to > 0)
            levels_step_at(levels, to, &plan->step[e + 1]);
        e += heun_fill(plan, e, to);
    }
    return status;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const size_t room = (size_t)levels->count + 1;
    struct path path = {.leg = calloc(2 * room, sizeof *path.leg)};
    float *sigmas = calloc(room, sizeof *sigmas);
    enum ltd_status status = LTD_OK;

    (void)request;
    if (!path.leg || !sigmas)
        status = ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", levels->count);
    else if (levels->count >= LEAST_STEPS)
        lay(&path, levels, sigmas);
    else
        append_legs(&path, levels->sigmas, levels->count + 1);
    if (status == LTD_OK)
        status = fill_path(plan, levels, &path, err);
    plan->vectors = HEUN_VECTORS;
    free(path.leg);
    free(sigmas);
    return status;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    plan->exploding = true;
    return levels_plan(plan, request, (struct level_rules){.spaced_karras = true}, fill, err);
}

const struct sampler_code restart_code = {plan_run, heun_advance};
