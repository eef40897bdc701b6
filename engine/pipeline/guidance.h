/*
 * guidance.h - which evaluations of the model have classifier-free guidance (Ho and Salimans 2022): those in
 * an interval of the schedule (Kynkaanniemi et al. 2024), with the bounds that diffusers' guiders have.
 */
#ifndef GUIDANCE_H
#define GUIDANCE_H

#include <stdbool.h>

#include <latentd/params.h>

/* Of evaluations 0..count - 1, those from *first to *end - 1 have guidance; none: *first is *end.  guided:
 * there is any. */
static inline void guidance_interval(const struct ltd_gen_params *params, bool guided, int count, int *first,
                                     int *end)
{
    *first = (int)(params->guidance_start * count);
    *end = guided ? (int)(params->guidance_end * count) : *first;
    *end = *end < *first ? *first : *end;
}

#endif
