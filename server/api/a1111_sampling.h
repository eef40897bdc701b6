/*
 * a1111_sampling.h - the samplers and schedulers of AUTOMATIC1111 by name (a1111_samplers.def,
 * a1111_schedulers.def), and what they are here.
 *
 * Names are matched as there: in any case, by name, label or alias; what stands behind a space at the end of
 * a sampler's name may be a scheduler ("DPM++ 2M Karras"), and comes before a scheduler that is named beside
 * it.
 */
#ifndef A1111_SAMPLING_H
#define A1111_SAMPLING_H

#include <stdbool.h>

#include <latentd/json.h>
#include <latentd/params.h>

enum a1111_match {
    A1111_FOUND,
    A1111_SAMPLER_UNKNOWN,  /* or lacking here */
    A1111_SCHEDULER_UNKNOWN /* or lacking here */
};

struct a1111_sampling {
    enum ltd_sampler sampler;
    enum ltd_scheduler scheduler;
    bool names_sampler;         /* false: it is the standard one */
    bool names_scheduler;       /* false: what goes with the sampler */
    bool scheduler_has_no_part; /* one was named that has no effect on this sampler, there as here */
    bool names_two_schedulers;  /* and the one in the sampler's name is taken */
};

/* What both names ("" or NULL: none) mean together.  standard is the sampler when none is named. */
enum a1111_match a1111_sampling_find(const char *sampler, const char *scheduler, enum ltd_sampler standard,
                                     struct a1111_sampling *out);

/* What ours are called there ("Euler a", "Karras"); static storage. */
const char *a1111_sampler_name(enum ltd_sampler sampler);
const char *a1111_scheduler_label(enum ltd_scheduler scheduler);

/* The lists of those that are built, for GET samplers and schedulers; NULL without memory. */
struct ltd_json *a1111_samplers_encode(void);
struct ltd_json *a1111_schedulers_encode(void);

/* The enum ltd_hr_upscaler of one of AUTOMATIC1111's names for a second pass; NULL is its own, -1: none. */
int a1111_upscaler_find(const char *name);

#endif
