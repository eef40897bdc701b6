/*
 * sigmas.h - the noise levels of a run in the variance-exploding frame, sigma = sqrt((1 - abar) / abar).
 *
 * f64 where numpy computes in f64 on the f32 values of the noise schedule.
 */
#ifndef SIGMAS_H
#define SIGMAS_H

#include "sampling/noise_schedule.h"

/* The training schedule's own, from clean to noise. */
struct sigma_table {
    int count;
    float *sigma;     /* [count] */
    float *log_sigma; /* [count] */
};

/* Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status sigma_table_init(struct sigma_table *table, const struct noise_schedule *noise,
                                              struct ltd_error *err);
void sigma_table_fini(struct sigma_table *table); /* also of a zeroed struct */

/* sigma at a fractional timestep, linear in sigma; beyond the ends, that end's. */
double sigma_at_timestep(const struct sigma_table *table, double timestep);
/* The same, linear in log sigma. */
double sigma_between_timesteps(const struct sigma_table *table, double timestep);
/* The fractional timestep of a sigma, linear in log sigma. */
double sigma_to_timestep(const struct sigma_table *table, double sigma);

#endif
