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

/* Fills the one or two moves of the step from step->sigma to `to`, 0 allowed, whose evaluations are filled
 * already; returns how many. */
int heun_fill(struct sampling_plan *plan, int evaluation, float to);
void heun_advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);

#endif
