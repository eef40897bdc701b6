/* dpm2.c - DPM-Solver-2 in sigma, k-diffusion's sample_dpm_2. */
#include "sampling/samplers/midpoint.h"

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return midpoint_plan(plan, request, false, err);
}

const struct sampler_code dpm2_code = {plan_run, midpoint_advance};
