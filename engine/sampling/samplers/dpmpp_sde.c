/* dpmpp_sde.c - DPM-Solver++ (stochastic), k-diffusion's sample_dpmpp_sde with r 1/2. */
#include "sampling/samplers/two_stage.h"

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return two_stage_plan(plan, request, true, err);
}

const struct sampler_code dpmpp_sde_code = {plan_run, two_stage_advance};
