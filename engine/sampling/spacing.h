/*
 * spacing.h - which training timesteps a run visits (Lin et al. 2023, arXiv 2305.08891, table 2).
 *
 * numpy's arithmetic in f64, its rounding half to even included: where the exact value lies halfway between
 * two timesteps, the result depends on it.
 */
#ifndef SPACING_H
#define SPACING_H

#include "sampling/noise_schedule.h"

/* numpy.linspace(start, stop, count)[i] */
double numpy_linspace(double start, double stop, int count, int i);

/* Fills timesteps [at most request steps] from the noisy end, and *count with their number, which is less
 * than steps only when last_timestep is less than the training schedule.  rounded: linspace gives integers.
 * Errors: LTD_EINVAL. */
LTD_MUST_USE enum ltd_status space_timesteps(const struct schedule_settings *settings, int steps,
                                             bool rounded, double *timesteps, struct ltd_error *err);
/* The same for DPMSolverMultistepScheduler: over [0, last), the clean end of the interval left out. */
LTD_MUST_USE enum ltd_status space_open_timesteps(const struct schedule_settings *settings, int last,
                                                  int steps, double *timesteps, int *count,
                                                  struct ltd_error *err);

#endif
