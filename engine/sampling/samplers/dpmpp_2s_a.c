/* dpmpp_2s_a.c - ancestral sampling with steps of DPM-Solver++(2S), k-diffusion's sample_dpmpp_2s_ancestral.
 */
#include "sampling/samplers/two_stage.h"

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    return two_stage_plan(plan, request, false, err);
}

const struct sampler_code dpmpp_2s_a_code = {plan_run, two_stage_advance};
