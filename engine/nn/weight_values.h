/*
 * weight_values.h - a weight of a file as f32.
 */
#ifndef WEIGHT_VALUES_H
#define WEIGHT_VALUES_H

#include "weights/weight_set.h"

/* out [weight->count]; the file may lay the weight at any address. */
void weight_to_f32(const struct weight *weight, float *out);

#endif
