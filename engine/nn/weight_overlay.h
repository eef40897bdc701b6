/*
 * weight_overlay.h - values of one's own in place of some of a weight file's.
 */
#ifndef WEIGHT_OVERLAY_H
#define WEIGHT_OVERLAY_H

#include <stddef.h>

#include <latentd/error.h>

#include "base/heap_list.h"
#include "weights/weight_set.h"

struct overlaid {
    struct weight weight; /* in f32, aligned; its name is the replaced one's own */
    float *values;        /* its data */
};

struct weight_overlay {
    struct overlaid *items;
    size_t count, room;
    struct heap_list memory; /* of the values */
};

/* What stands in place of the weight, [weight->count]; new, its values are the weight's own.  NULL without
 * memory. */
float *weight_overlay_values(struct weight_overlay *overlay, const struct weight *weight);
/* NULL: nothing stands in place of it. */
const struct weight *weight_overlay_find(const struct weight_overlay *overlay, const struct weight *weight);
void weight_overlay_fini(struct weight_overlay *overlay); /* also of a zeroed struct */

#endif
