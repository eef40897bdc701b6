/*
 * noise_schedule.h - the noise levels a model was trained at.
 *
 * x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, with abar_t the running product of 1 - beta_t (Ho et al.
 * 2020, arXiv 2006.11239).  f32 where torch computes in f32, so that the values are torch's to the last bit
 * or two; torch.cumprod of f32 multiplies in f64 and rounds each product.
 */
#ifndef NOISE_SCHEDULE_H
#define NOISE_SCHEDULE_H

#include <stddef.h>

#include "sampling/schedule_config.h"

/* x = alpha x_0 + sigma eps at this level: what turns the network's word into x_0 or eps. */
struct signal_level {
    float alpha, sigma;
};

struct noise_schedule {
    int count;             /* training timesteps */
    float *alphas_cumprod; /* abar [count], from clean to noise */
};

/* Errors: LTD_EFORMAT (levels that are no noise schedule), LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status noise_schedule_init(struct noise_schedule *noise,
                                                 const struct schedule_settings *settings,
                                                 struct ltd_error *err);
void noise_schedule_fini(struct noise_schedule *noise); /* also of a zeroed struct */

/* With zero terminal SNR the last sigma would be infinite; the sigma-based diffusers classes put abar = 2^-24
 * in its place. */
void noise_schedule_bound_terminal(struct noise_schedule *noise, const struct schedule_settings *settings);
struct signal_level noise_schedule_level(const struct noise_schedule *noise, int t);
/* sqrt((1 - abar_t) / abar_t) */
float noise_schedule_sigma(const struct noise_schedule *noise, int t);

/* x [n] := data_scale * x + noise_scale * noise */
void noise_mix(float *x, const float *noise, size_t n, float data_scale, float noise_scale);
/* Value i of torch.linspace in f32, and all of them. */
float torch_linspace_f32_at(float start, float end, int count, int i);
void torch_linspace_f32(float *out, int count, float start, float end);

#endif
