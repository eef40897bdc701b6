/*
 * multistep.h - DPM-Solver++, multistep, of order 1 to 3, and its stochastic kind (Lu et al. 2022, arXiv
 * 2211.01095): an exponential integrator in half the log SNR, lambda = log(alpha / sigma), of what the
 * network says the clean sample is.  Which one it is stands in the settings: algorithm_type, solver_order,
 * solver_type.
 */
#ifndef MULTISTEP_H
#define MULTISTEP_H

#include "sampling/levels.h"

/* These are sampler_code's. */
LTD_MUST_USE enum ltd_status multistep_plan(struct sampling_plan *plan, const struct plan_request *request,
                                            struct ltd_error *err);
void multistep_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
