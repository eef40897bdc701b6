/*
 * control_maps.h - the pictures that control networks are shown.
 */
#ifndef CONTROL_MAPS_H
#define CONTROL_MAPS_H

#include <latentd/params.h>

/* Those of params' controls, at width x height, preprocessed: out [LTD_MAX_CONTROLS], which the caller frees
 * by control_maps_free, also on failure.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status control_maps_make(const struct ltd_gen_params *params, struct ltd_image **out,
                                               struct ltd_error *err);
void control_maps_free(struct ltd_image **maps);

/* The controls that have a part in an evaluation of so many, one bit each, as diffusers counts them: those
 * whose interval has all of the evaluation's in it. */
unsigned control_maps_active(const struct ltd_gen_params *params, int evaluation, int evaluations);

#endif
