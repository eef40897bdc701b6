/*
 * bench_request.h - what `latentd bench` was told.
 */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include "options/option_table.h"

#include <latentd/model.h>

enum bench_index {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) BENCH_##key,
#include "commands/bench.def"
#undef OPTION
    BENCH_COUNT
};

/* The words of --only, in order. */
enum bench_only { BENCH_ALL, BENCH_ONLY_STEP, BENCH_ONLY_DECODE, BENCH_ONLY_ENCODE };

struct bench_flags {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) OPTION_TYPE_##kind key;
#include "commands/bench.def"
#undef OPTION
    struct option_origin origins[BENCH_COUNT];
};

extern const struct option_spec bench_specs[BENCH_COUNT];

/* The set over flags (zeroed before); it borrows both. */
struct option_set bench_option_set(struct bench_flags *flags, FILE *problems);

/* *params: a picture of the size asked for, with guidance, by a sampler that evaluates the model once a step.
 * What is wrong with the size is told as a problem of the set. */
void bench_params(struct option_set *set, const struct bench_flags *flags, const struct ltd_model *model,
                  struct ltd_gen_params *params);

#endif
