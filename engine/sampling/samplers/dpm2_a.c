/* dpm2_a.c - ancestral sampling with steps of DPM-Solver-2, k-diffusion's sample_dpm_2_ancestral. */
#include "sampling/samplers/midpoint.h"

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return midpoint_plan(plan, request, true, err);
}

const struct sampler_code dpm2_a_code = {plan_run, midpoint_advance};
