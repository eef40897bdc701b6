/*
 * sampling_plan.h - the inside of a plan, for the samplers.
 *
 * All scalars of a run are computed here once, in f32 and in the order in which the reference computes them,
 * so that a step is plain elementwise arithmetic with the same roundings.
 *
 * x lives in one of two frames.  Variance-preserving: x = alpha x_0 + sigma eps with alpha^2 + sigma^2 = 1,
 * and the network gets x.  Variance-exploding (Karras et al. 2022, arXiv 2206.00364): x = x_0 + sigma eps,
 * and the network gets x / sqrt(sigma^2 + 1).
 */
#ifndef SAMPLING_PLAN_H
#define SAMPLING_PLAN_H

#include "sampling/brownian_tree.h"
#include "sampling/noise_schedule.h"
#include "sampling/sampling.h"

struct sampler_code;
struct plan_request;

/* One evaluation of the network, and what x is then, by the plan's frame. */
struct sampling_step {
    double timestep;
    struct signal_level level; /* variance-preserving */
    float sigma;               /* variance-exploding; above 0 */
    float end_sigma; /* of the middle of a step: where the step leads, which is what the reference's add_noise
                        takes; where noise comes first: the level before it; else 0 */
    bool churned;    /* before the evaluation noise is drawn, of the deviation churn, which may be 0 */
    float churn;
};

struct sampling_plan {
    const struct sampler_code *code;
    int prediction;            /* PREDICT_* */
    bool exploding;            /* the frame of x is the variance-exploding one */
    int evaluations;           /* length of step and moves */
    int vectors;               /* of scratch, each as long as x; at least FIRST_OWN_VECTOR */
    float clip_range;          /* bound of |x_0|; infinite: none */
    struct brownian_tree path; /* of the noise on the way, with path_vector above 0 */
    int path_vector;           /* the first of its scratch; 0: the noise is the run's generator's */
    float start_scale;         /* from noise: x = start_scale * noise */
    struct signal_level start; /* from a latent: x = alpha x + sigma noise */
    struct sampling_step *step;
    void *moves; /* what the sampler does after each evaluation, in a struct of its own */
    size_t move_size;
};

/* What the network said last; what it was asked, whose place the sampler may use once it has answered; then
 * the sampler's own. */
enum { OUTPUT_VECTOR, INPUT_VECTOR, FIRST_OWN_VECTOR };

/* One run's moving parts. */
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

/* Comparisons, so that what is not a number stays so. */
static inline float sampling_clip(float value, float bound)
{
    return value < -bound ? -bound : value > bound ? bound : value;
}

/* The sampler's own struct for an evaluation. */
static inline void *sampling_move(const struct sampling_plan *plan, int evaluation)
{
    return (char *)plan->moves + (size_t)evaluation * plan->move_size;
}

/* noise [n]: the eps that it says, in the variance-preserving frame; may be state->output. */
void sampling_noise(const struct sampling_plan *plan, int evaluation, const struct sampling_state *state,
                    float *noise);
/* x += deviation * standard normal noise from the run's generator; overwrites INPUT_VECTOR. */
void sampling_add_noise(struct sampling_state *state, float deviation);
/* From now on sampling_add_noise_between draws from a Brownian path, over all sigmas above 0 that the whole
 * run, not only its rest, stops at: low to high.  The vectors of scratch before are counted already.  Errors:
 * LTD_EINVAL. */
LTD_MUST_USE enum ltd_status sampling_follow_path(struct sampling_plan *plan,
                                                  const struct plan_request *request, float low, float high,
                                                  struct ltd_error *err);
/* The same as sampling_add_noise, with the noise of the way from one sigma to another. */
void sampling_add_noise_between(const struct sampling_plan *plan, struct sampling_state *state, float from,
                                float to, float deviation);
/* LTD_EINVAL, of a sampler whose reference does not run a model that predicts the sample. */
enum ltd_status sampling_refuse_sample(struct ltd_error *err);
/* Allocates plan->step and plan->moves, zeroed, for that many evaluations. */
LTD_MUST_USE enum ltd_status sampling_plan_reserve(struct sampling_plan *plan, int evaluations,
                                                   size_t move_size, struct ltd_error *err);
/* Refuses a whole run whose first two timesteps are equal: the reference looks its place up by the first
 * timestep, takes the second for it, and runs off the end.  Errors: LTD_EINVAL. */
LTD_MUST_USE enum ltd_status sampling_check_first(const struct plan_request *request, const double *timesteps,
                                                  int count, struct ltd_error *err);
/* clean [n]: what the network's last word on x says that the clean sample is, clipped. */
void sampling_clean(const struct sampling_plan *plan, int evaluation, const struct sampling_state *state,
                    float *clean);

#endif
