/*
 * visits.h - the training timesteps that a run visits, for the samplers that know no levels between them.
 */
#ifndef VISITS_H
#define VISITS_H

#include "sampling/sampler_table.h"

struct visits {
    int first;      /* timesteps left out at the noisy end */
    int count;      /* the others: one evaluation each */
    int *timesteps; /* [-first, count), falling */
};

/* Fills timesteps [request->steps], from the noisy end.  Errors: LTD_EINVAL. */
typedef enum ltd_status visits_list_fn(const struct plan_request *request, int *timesteps,
                                       struct ltd_error *err);
/* Fills the sampler's move after evaluation e. */
typedef void visits_fill_fn(void *move, const struct visits *visits, int e,
                            const struct plan_request *request);

/* Makes the list, checks that the model knows its timesteps and can start from its first, and fills plan: its
 * steps, its start, and the moves, of move_size each, by fill.  Errors: LTD_EINVAL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status visits_plan(struct sampling_plan *plan, const struct plan_request *request,
                                         visits_list_fn *list, visits_fill_fn *fill, size_t move_size,
                                         struct ltd_error *err);

/* The config's spacing, in whole timesteps. */
visits_list_fn visits_spaced;
/* Of the original_inference_steps that a consistency model was distilled at, as many as are asked for (Luo et
 * al. 2023, arXiv 2310.04378). */
visits_list_fn visits_distilled;

#endif
