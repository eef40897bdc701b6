/*
 * sampling_plan.h - the inside of a plan, for the samplers.
 *
 * All scalars of a run are computed here once, in f32 and in the order in which the reference computes them,
 * so that a step is plain elementwise arithmetic with the same roundings.
 */
#ifndef SAMPLING_PLAN_H
#define SAMPLING_PLAN_H

#include "sampling/noise_schedule.h"
#include "sampling/sampling.h"

struct sampler_code;
struct plan_request;

struct ddim_step {
    float data_scale, noise_scale; /* x' = data_scale x_0 + noise_scale eps */
};

/* How a PNDM evaluation mixes what the network has said. */
enum pndm_mix {
    PNDM_RK1, /* Runge-Kutta, four evaluations a step; the first opens a new step */
    PNDM_RK2,
    PNDM_RK3,
    PNDM_RK4,
    PNDM_EULER,     /* linear multistep, by the number of evaluations known */
    PNDM_TRAPEZOID, /* the first step again, with the slopes of both its ends averaged */
    PNDM_AB2,
    PNDM_AB3,
    PNDM_AB4
};

struct pndm_step {
    enum pndm_mix mix;
    int newest;               /* of the four slope vectors, the one last kept */
    struct signal_level from; /* of the timestep that the move after it starts from */
    float sample_scale, level_change,
        output_divisor; /* x' = sample_scale x - level_change out / output_divisor */
};

struct euler_step {
    float input_divisor; /* sqrt(sigma^2 + 1) */
    float sigma, change; /* x' = x + change dx/dsigma */
    float noise;         /* ancestral: standard deviation of the noise added after it */
    float v_scale, v_divisor;
};

struct dpm_step {
    int order;
    /* x' = sample_scale x - data_scale D0 + slope_scale D1 - curve_scale D2, with D0 the clean sample as it
     * is thought to be now, D1 and D2 its divided differences over the step and the ones before. */
    float sample_scale, data_scale, slope_scale, curve_scale;
    float inverse_r0, inverse_r1;   /* this step's length in log SNR over those of the two before it */
    float slope_blend, curve_blend; /* r0 / (r0 + r1) and 1 / (r0 + r1) */
};

struct sampling_step {
    double timestep;
    struct signal_level level; /* of what the network gets: alpha^2 + sigma^2 = 1 */
    union {
        struct ddim_step ddim;
        struct pndm_step pndm;
        struct euler_step euler;
        struct dpm_step dpm;
    };
};

struct sampling_plan {
    const struct sampler_code *code;
    int prediction;            /* PREDICT_* */
    int evaluations;           /* length of step */
    int vectors;               /* of scratch, each as long as x; at least 1 */
    int history;               /* dpmpp_2m: clean samples kept, its solver order */
    float clip_range;          /* ddim: bound of |x_0|; infinite: none */
    float start_scale;         /* from noise: x = start_scale * noise */
    struct signal_level start; /* from a latent: x = alpha x + sigma noise */
    struct sampling_step *step;
};

/* One run's moving parts. vector[0] is output. */
struct sampling_state {
    struct torch_rng *rng;
    float *x;
    size_t n;
    float *output;  /* [n] what the network said last */
    float *scratch; /* [vectors][n], output first */
};

static inline float *state_vector(const struct sampling_state *state, int i)
{
    return state->scratch + (size_t)i * state->n;
}

/* Allocates plan->step for that many evaluations. */
LTD_MUST_USE enum ltd_status sampling_plan_reserve(struct sampling_plan *plan, int evaluations,
                                                   struct ltd_error *err);
/* Refuses a whole run whose first two timesteps are equal: the reference looks its place up by the first
 * timestep, takes the second for it, and runs off the end.  Errors: LTD_EINVAL. */
LTD_MUST_USE enum ltd_status sampling_check_first(const struct plan_request *request, const double *timesteps,
                                                  int count, struct ltd_error *err);
/* clean [n]: what the network's word [n] on its input [n] says that the clean sample is. */
void sampling_clean(const struct sampling_plan *plan, int evaluation, float *clean, const float *input,
                    const float *word, size_t n);
/* For struct sampler_code's input: x as it is. */
const float *sampling_input_plain(const struct sampling_plan *plan, int evaluation,
                                  struct sampling_state *state);

#endif
