#include "sampling/visits.h"

#include <math.h>
#include <stdlib.h>

#include "sampling/spacing.h"

enum ltd_status visits_spaced(const struct plan_request *request, int *timesteps, struct ltd_error *err)
{
    double *spaced = malloc((size_t)request->steps * sizeof *spaced);
    enum ltd_status status;

    if (!spaced)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d timesteps", request->steps);
    status = space_timesteps(request->settings, request->steps, true, spaced, err);
    for (int i = 0; i < request->steps && status == LTD_OK; i++)
        timesteps[i] = (int)spaced[i];
    free(spaced);
    return status;
}

enum ltd_status visits_distilled(const struct plan_request *request, int *timesteps, struct ltd_error *err)
{
    const int original = setting_int(request->settings, KEY_original_inference_steps);

    if (original < 1 || original > request->noise->count)
        return ltd_fail(err, LTD_EINVAL,
                        "original_inference_steps of the model's scheduler_config.json is %d; take another "
                        "sampler",
                        original);
    if (request->steps > original)
        return ltd_fail(err, LTD_EINVAL, "this sampler takes at most the %d steps that it was distilled at",
                        original);
    for (int i = 0; i < request->steps; i++) {
        const int place = (int)floor(i * ((double)original / request->steps));

        timesteps[i] = (original - place) * (request->noise->count / original) - 1;
    }
    return LTD_OK;
}

static enum ltd_status check(const struct plan_request *request, const int *timesteps, struct ltd_error *err)
{
    const bool divides = setting_int(request->settings, KEY_prediction_type) == PREDICT_EPSILON;

    for (int i = request->first; i < request->steps; i++) {
        if (timesteps[i] >= request->noise->count)
            return ltd_fail(err, LTD_EINVAL,
                            "%d steps reach timestep %d, beyond the model's last, %d; take fewer steps or "
                            "another scheduler",
                            request->steps, timesteps[i], request->noise->count - 1);
        if (divides && request->noise->alphas_cumprod[timesteps[i]] == 0)
            return ltd_fail(err, LTD_EINVAL,
                            "this sampler cannot start at zero signal with a model that predicts the noise; "
                            "take the scheduler leading or another sampler");
    }
    return LTD_OK;
}

enum ltd_status visits_plan(struct sampling_plan *plan, const struct plan_request *request,
                            visits_list_fn *list, visits_fill_fn *fill, size_t move_size,
                            struct ltd_error *err)
{
    int *timesteps = malloc((size_t)request->steps * sizeof *timesteps);
    const struct visits visits = {.first = request->first,
                                  .count = request->steps - request->first,
                                  .timesteps = timesteps + request->first};
    enum ltd_status status;

    if (!timesteps)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d timesteps", request->steps);
    status = list(request, timesteps, err);
    if (status == LTD_OK)
        status = check(request, timesteps, err);
    if (status == LTD_OK)
        status = sampling_plan_reserve(plan, visits.count, move_size, err);
    for (int e = 0; e < visits.count && status == LTD_OK; e++) {
        plan->step[e].timestep = visits.timesteps[e];
        plan->step[e].level = noise_schedule_level(request->noise, visits.timesteps[e]);
        fill(sampling_move(plan, e), &visits, e, request);
    }
    if (status == LTD_OK)
        plan->start = plan->step[0].level;
    free(timesteps);
    return status;
}
