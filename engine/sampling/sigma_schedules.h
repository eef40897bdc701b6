/*
 * sigma_schedules.h - lists of noise levels that take the place of a timestep spacing.
 *
 * Where diffusers has one (karras, exponential, beta), it is diffusers'; the others are those of
 * AUTOMATIC1111 and ComfyUI, over the model's own range.  f64, unless the range says otherwise; the caller
 * rounds.
 */
#ifndef SIGMA_SCHEDULES_H
#define SIGMA_SCHEDULES_H

#include <stdbool.h>

#include "sampling/sigmas.h"

struct sigma_range {
    const struct sigma_table *table; /* the training schedule's */
    double max, min;
    bool is_xl;  /* of Stable Diffusion XL */
    bool single; /* k-diffusion's arithmetic, where it is torch's in f32 */
};

/* Whether this is a sigma schedule (not the model's own, and not a spacing), and whether diffusers has it. */
bool sigma_schedule_exists(enum ltd_scheduler schedule);
bool sigma_schedule_is_diffusers(enum ltd_scheduler schedule);

/* Doubles that the sigmas of so many steps take, and one after them. */
int sigma_schedule_room(int steps);
/* Fills sigmas from the noisy end, the last of them above 0; returns how many there are: `steps`, but
 * ddim_uniform takes as many as its whole stride needs.  schedule must be a sigma schedule. */
int sigma_schedule_fill(enum ltd_scheduler schedule, double *sigmas, int steps,
                        const struct sigma_range *range);

#endif
