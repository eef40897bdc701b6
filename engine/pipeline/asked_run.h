/*
 * asked_run.h - the sampler's run that a request asks for.
 */
#ifndef ASKED_RUN_H
#define ASKED_RUN_H

#include <latentd/params.h>

#include "sampling/sampling.h"

/* Of image `index`. */
static inline struct sampling_request asked_run(const struct ltd_gen_params *params, int index)
{
    return (struct sampling_request){.sampler = params->sampler,
                                     .scheduler = params->scheduler,
                                     .steps = params->steps,
                                     .strength = params->init_image ? params->strength : 1.0,
                                     .eta = params->eta,
                                     .s_churn = params->s_churn,
                                     .s_tmin = params->s_tmin,
                                     .s_tmax = params->s_tmax,
                                     .s_noise = params->s_noise,
                                     .profile = params->profile,
                                     .seed = ltd_params_seed(params, index)};
}

#endif
