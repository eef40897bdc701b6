/*
 * euler.h - Euler's method in sigma, and what its ancestral variant shares with it.
 *
 * x lives in the variance-exploding frame, x = x_0 + sigma eps (Karras et al. 2022, arXiv 2206.00364).
 */
#ifndef EULER_H
#define EULER_H

#include "sampling/sampler_table.h"

/* These are euler_code. */
LTD_MUST_USE enum ltd_status euler_plan(struct sampling_plan *plan, const struct plan_request *request,
                                        struct ltd_error *err);
const float *euler_input(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);
void euler_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
