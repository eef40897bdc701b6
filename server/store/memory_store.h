/*
 * memory_store.h - a job store that lives as long as the process.
 */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include "store/job_store.h"

struct memory_store_limits {
    int waiting;       /* jobs */
    double keep_s;     /* a finished job */
    size_t keep_bytes; /* of all jobs; finished ones are forgotten early, oldest first, to stay below */
    double fresh_s;    /* a job that ended this recently is not forgotten early, so that its client sees it,
                          while all take less than twice keep_bytes, or it is the only one that has ended */
    int remembered;    /* expired jobs whose ids are still known */
    double remember_s; /* for how long, after expiry */
};

/* The caller ends it with ops->close.  NULL without memory. */
struct job_store *memory_store_open(const struct memory_store_limits *limits);

#endif
