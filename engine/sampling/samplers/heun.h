/*
 * heun.h - a step by Heun's method, for heun and restart.
 */
#ifndef HEUN_H
#define HEUN_H

#include "sampling/levels.h"

enum { HEUN_SAVED = FIRST_OWN_VECTOR, HEUN_SLOPE, HEUN_VECTORS };

struct heun_move {
    bool corrects;       /* the second evaluation of a step */
    float sigma, change; /* x' = x + change dx/dsigma */
    float noise;         /* standard deviation of the noise added after it */
};

/* Evaluations of that many steps along sigmas [steps + 1], which may end at 0. */
int heun_evaluations(const float *sigmas, int steps);
/* Fills the moves of those steps, the first of them `evaluation`; their plan->step are filled already.
 * Returns the evaluation after them. */
int heun_fill(struct sampling_plan *plan, int evaluation, const float *sigmas, int steps);
/* The whole of a run along the levels. */
levels_fill_fn heun_fill_levels;
void heun_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
