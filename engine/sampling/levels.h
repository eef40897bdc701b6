/*
 * levels.h - the noise levels that a run stops at, for the samplers that take any list of them.
 */
#ifndef LEVELS_H
#define LEVELS_H

#include "sampling/sampler_table.h"
#include "sampling/sigmas.h"

struct levels {
    struct sigma_table table; /* the training schedule's */
    int first;                /* levels left out at the noisy end */
    int count;                /* the others, at each of which the network is asked */
    double *timesteps;        /* [-first, count) what it is told then; fractional for some */
    float *sigmas; /* [-first, count]: variance-exploding; the last is where the run ends, 0 mostly */
};

/* How a diffusers class makes its levels where they differ. */
struct level_rules {
    bool open;          /* DPM-Solver and UniPC: whole timesteps, the clean end of the spacing left out */
    bool rounds;        /* Karras' timesteps become whole; where open, those of cosine betas too */
    bool spaced_karras; /* Karras' range is the spacing's, whatever sigma_min and sigma_max say */
    bool webui;         /* AUTOMATIC1111's: the sigma schedules over all of the model's range, in f32, their
                           timesteps as they fall, and always to zero; from noise by the first sigma */
    bool ends_on_last;  /* final_sigmas_type sigma_min: a sigma schedule's own last, not the table's */
};

/* Reserves the plan's evaluations and fills them.  Errors: LTD_EINVAL, LTD_ENOMEM. */
typedef enum ltd_status levels_fill_fn(struct sampling_plan *plan, const struct levels *levels,
                                       const struct plan_request *request, struct ltd_error *err);

/* Makes the levels for request (its config's spacing, or a sigma schedule in its place), bounding the noise
 * schedule's terminal level, sets how plan starts in the frame that plan->exploding names, and calls fill.
 * Errors: LTD_EINVAL, LTD_EFORMAT, LTD_ENOMEM, fill's. */
LTD_MUST_USE enum ltd_status levels_plan(struct sampling_plan *plan, const struct plan_request *request,
                                         struct level_rules rules, levels_fill_fn *fill,
                                         struct ltd_error *err);

/* An evaluation at level i of the list, or at a sigma > 0 between two. */
void levels_step(const struct levels *levels, int i, struct sampling_step *step);
void levels_step_between(const struct levels *levels, float sigma, struct sampling_step *step);
/* The same as levels_step, after the noise that the request's s_churn asks for (Karras et al. 2022, arXiv
 * 2206.00364, algorithm 2), drawn before every level as k-diffusion does; returns the sigma that it reaches.
 */
float levels_step_churned(const struct levels *levels, const struct plan_request *request, int i,
                          struct sampling_step *step);
/* Noise of a Brownian path over all levels of the whole run, as sampling_follow_path says.  Errors:
 * LTD_EINVAL. */
LTD_MUST_USE enum ltd_status levels_follow_path(struct sampling_plan *plan, const struct levels *levels,
                                                const struct plan_request *request, struct ltd_error *err);
/* alpha = 1 / sqrt(sigma^2 + 1), and sigma times that: the same level in the variance-preserving frame. */
struct signal_level level_of_sigma(float sigma);

#endif
