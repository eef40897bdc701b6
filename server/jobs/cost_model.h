/*
 * cost_model.h - how long a job will take: the work that the engine counts, over the speed of this machine,
 * corrected by every job that finishes.
 *
 * What is known is what was measured: for each model and phase, the median of the last few times at every
 * size that was drawn.  Between two sizes their times are interpolated, beyond them they grow with the work,
 * but for what the kernels' own overhead may be.
 * A phase that never ran is told from the probe at the start, by how far that was off in the model's other
 * phases.
 */
#ifndef COST_MODEL_H
#define COST_MODEL_H

#include <latentd/cost.h>

#include "jobs/model_set.h"
#include "store/job.h"

enum cost_phase { COST_TEXT, COST_ENCODE, COST_STEP, COST_DECODE, COST_PNG, COST_PHASES };

/* What one job is, as far as its time goes. */
struct job_cost {
    size_t model; /* index in the model set; what makes pictures larger counts as one more, the last */
    int count;    /* images */
    int evaluations;
    double work[COST_PHASES]; /* of an image, of the step: of one evaluation; FLOP, of the PNG: pixels */
    size_t scratch_bytes;
};

/* Of one image; of the step: of one evaluation. */
struct cost_seconds {
    double of[COST_PHASES];
};

/* Errors: those of ltd_params_cost, or ltd_upscale_cost. */
LTD_MUST_USE enum ltd_status job_cost_count(const struct model_set *models, const struct job_request *request,
                                            int threads, struct job_cost *out, struct ltd_error *err);

/* All images of the job. */
double job_cost_total(const struct job_cost *cost, const struct cost_seconds *seconds);

struct cost_model; /* not locked: whoever has one guards it */

/* models: that job_cost.model counts.  flop_per_second: what the probe said.  NULL without memory. */
struct cost_model *cost_model_new(size_t models, double flop_per_second);
void cost_model_free(struct cost_model *model); /* NULL is fine */

/* Goes up whenever estimates may have changed. */
unsigned cost_model_version(const struct cost_model *model);
void cost_model_estimate(const struct cost_model *model, const struct job_cost *cost,
                         struct cost_seconds *out);
/* timings: of all images of a job that succeeded. */
void cost_model_learn(struct cost_model *model, const struct job_cost *cost,
                      const struct job_timings *timings);

#endif
