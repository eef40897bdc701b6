/*
 * midpoint.h - what dpm2 and dpm2_a share: to the geometric middle of a step, and with the slope there over
 * all of it (DPM-Solver-2, Lu et al. 2022, arXiv 2206.00927, as k-diffusion takes it in sigma).
 */
#ifndef MIDPOINT_H
#define MIDPOINT_H

#include "sampling/levels.h"

/* ancestral: each step goes past its level, and noise back up to it.  These are sampler_code's. */
LTD_MUST_USE enum ltd_status midpoint_plan(struct sampling_plan *plan, const struct plan_request *request,
                                           bool ancestral, struct ltd_error *err);
void midpoint_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
