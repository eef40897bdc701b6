/*
 * bench_report.h - what `latentd bench` measured, for people and for programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "commands/bench_turns.h"

#include <latentd/json.h>

#include <stdio.h>

struct bench_report {
    const struct bench_result *result;
    const struct ltd_model_info *model;
    int threads, width, height, rounds;
    enum ltd_precision precision;
    double start_s; /* from the first look at the model's files until a picture could be begun */
    size_t peak_rss_bytes;
};

void bench_print(FILE *out, const struct bench_report *report);
/* The caller frees it; NULL without memory. */
struct ltd_json *bench_json(const struct bench_report *report);

#endif
