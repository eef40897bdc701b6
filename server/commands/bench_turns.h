/*
 * bench_turns.h - how long the parts of a picture take, several times each.
 */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include "commands/bench_request.h"

#include <latentd/session.h>

/* In the order in which a picture goes through them.  A step is one evaluation of the model with guidance. */
enum bench_part { BENCH_PART_TEXT, BENCH_PART_ENCODE, BENCH_PART_STEP, BENCH_PART_DECODE, BENCH_PART_COUNT };

const char *bench_part_name(enum bench_part part); /* "text", "encode", "step", "decode" */

struct bench_turn {
    double seconds;
    struct ltd_timings timings;
};

struct bench_turns {
    struct bench_turn *items;
    size_t count;
};

struct bench_result {
    struct bench_turns parts[BENCH_PART_COUNT]; /* those not asked for are empty */
    double sgemm_flops;                         /* the machine's FLOP a second, between the turns */
};

/* Times what `only` asks for `rounds` times, on pictures like params (with guidance).  The caller ends
 * *result with bench_result_fini, also after an error.  Errors: those of ltd_session_generate and
 * ltd_sgemm_speed. */
LTD_MUST_USE enum ltd_status bench_measure(struct ltd_session *session, int threads,
                                           const struct ltd_gen_params *params, enum bench_only only,
                                           int rounds, struct bench_result *result, struct ltd_error *err);
void bench_result_fini(struct bench_result *result);

/* The turn whose time is the middle one (of two, the shorter); NULL when there is none. */
const struct bench_turn *bench_middle_turn(const struct bench_turns *turns);

#endif
