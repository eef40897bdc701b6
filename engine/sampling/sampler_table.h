/*
 * sampler_table.h - what a sampler gives to the common run (sampling_plan.c), and the table of all of them.
 */
#ifndef SAMPLER_TABLE_H
#define SAMPLER_TABLE_H

#include <stdbool.h>

#include "sampling/noise_schedule.h"
#include "sampling/sampling_plan.h"

/* What plan() builds from. */
struct plan_request {
    const struct schedule_settings *settings;
    struct noise_schedule *noise;         /* plan() may bound its last level */
    int steps;                            /* asked for, 1..noise->count */
    int first;                            /* steps left out at the noisy end; 0: all are run */
    double eta;                           /* 0..1, of a sampler that has one */
    const struct sampling_request *asked; /* for the rest */
};

/* What a sampler's file defines. */
struct sampler_code {
    /* Fills plan: its evaluations, timesteps and coefficients, how it starts, and how many vectors of scratch
     * it needs.  On failure the caller frees the plan.  Errors: LTD_EINVAL, LTD_EFORMAT, LTD_ENOMEM. */
    enum ltd_status (*plan)(struct sampling_plan *plan, const struct plan_request *request,
                            struct ltd_error *err);
    /* Takes state->output, the network's word on x, and moves x. */
    void (*advance)(const struct sampling_plan *plan, int evaluation, struct sampling_state *state);
};

/* Which schedulers: the model's own alone, the spacings too, or the sigma schedules as well. */
enum takes { TAKES_OWN, TAKES_SPACINGS, TAKES_SIGMAS };

/* What noise a sampler adds on the way: what its reference does, if any; that times s_noise; or none but what
 * s_churn asks for. */
enum noise { NOISE_FIXED, NOISE_SCALED, NOISE_CHURNED };

struct sampler {
    const char *name, *label;
    const char *reference; /* diffusers class */
    int keys;              /* column of schedule_keys.def */
    enum takes takes;
    enum noise noise;
    double eta; /* where a request says none; LTD_ETA_STANDARD: it has none */
    const struct sampler_code *code;
};

#define SAMPLER(id, name, label, reference, keys, takes, noise, eta) \
    extern const struct sampler_code name##_code;
#include <latentd/samplers.def>
#undef SAMPLER

extern const struct sampler sampler_table[LTD_SAMPLER_COUNT];

#endif
