/*
 * two_stage.h - what dpmpp_2s_a and dpmpp_sde share: DPM-Solver++ of second order in one step (Lu et al.
 * 2022, arXiv 2211.01095), to the middle in log sigma, and from the start over all of the step with the clean
 * sample that is thought of there.
 */
#ifndef TWO_STAGE_H
#define TWO_STAGE_H

#include "sampling/levels.h"

/* noisy_middle: the way to the middle is an ancestral step too (dpmpp_sde).  These are sampler_code's. */
LTD_MUST_USE enum ltd_status two_stage_plan(struct sampling_plan *plan, const struct plan_request *request,
                                            bool noisy_middle, struct ltd_error *err);
void two_stage_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
