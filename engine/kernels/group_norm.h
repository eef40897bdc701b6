/*
 * group_norm.h - group and layer normalisation.
 */
#ifndef GROUP_NORM_H
#define GROUP_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "tensor/exec.h"

/* gamma and beta [c]; groups divides c. */
struct group_norm {
    const float *gamma, *beta;
    size_t groups;
    double eps;
};

/* y = (x - mean) / sqrt(variance + eps) * gamma + beta, moments over each group's channels and all pixels of
 * an item (Wu and He 2018); then y = y * sigmoid(y) if silu.  y may be x. */
void group_norm(struct exec *e, struct tensor y, struct tensor x, const struct group_norm *norm, bool silu);

struct layer_norm {
    const float *gamma, *beta; /* [c] */
    double eps;
};

/* The same over each row of channels (Ba et al. 2016).  y may be x. */
void layer_norm(struct exec *e, struct tensor y, struct tensor x, const struct layer_norm *norm);

#endif
