/*
 * timings.h - where the time of a generation goes: by stage of a network and by kind of operation.
 */
#ifndef LATENTD_TIMINGS_H
#define LATENTD_TIMINGS_H

#include <stddef.h>

enum ltd_operator {
#define OPERATOR(id, name) LTD_OPERATOR_##id,
#include <latentd/operators.def>
#undef OPERATOR
    LTD_OPERATOR_COUNT
};
const char *ltd_operator_name(enum ltd_operator kind); /* static storage */

/* What loops over tiles took, on all compute threads together.  A FLOP is as in cost.h. */
struct ltd_timing {
    double seconds, flop;
    size_t loops;
};

/* A piece of a network: name "down", index 1 for the second level on the way down. */
struct ltd_stage {
    const char *name; /* static storage */
    int index;        /* -1: there is only one of that name */
    struct ltd_timing kinds[LTD_OPERATOR_COUNT];
};

/* Plain data: zeroed, it is empty.  Stages stand in the order in which they were first met; those beyond the
 * last are added to it. */
#define LTD_MAX_STAGES 32
struct ltd_timings {
    struct ltd_stage stages[LTD_MAX_STAGES];
    size_t count;
};

#endif
