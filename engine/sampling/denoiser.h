/*
 * denoiser.h - all that a sampler knows of a network.
 */
#ifndef DENOISER_H
#define DENOISER_H

#include <stdbool.h>

/* predict writes what the network says of the scaled sample x at timestep (of the training schedule,
 * fractional for some samplers), guidance applied: epsilon, v or the clean sample, by the schedule's
 * prediction type.  out and x hold the latent's values and do not overlap.  False: the job was cancelled, and
 * out is meaningless.
 *
 * settle, unless it is NULL, may change the sample x as it is after `done` evaluations, before the next one
 * or the end. */
struct denoiser {
    bool (*predict)(void *self, float *out, const float *x, double timestep);
    void *self;
    void (*settle)(void *self, float *x, int done);
};

#endif
