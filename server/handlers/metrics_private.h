/*
 * metrics_private.h - what metrics.c counts and metrics_text.c prints.
 */
#ifndef METRICS_PRIVATE_H
#define METRICS_PRIVATE_H

#include <pthread.h>
#include <stdint.h>

#include "handlers/metrics.h"

enum metric {
#define METRIC(id, type, name, labels, help) METRIC_##id,
#include "handlers/metrics.def"
#undef METRIC
};

enum {
    METRICS_BUCKETS = 19,
    METRICS_METHODS = 8,
    METRICS_STATUSES = 32,
    METRICS_KINDS = 2,
    METRICS_REASONS = 1 /* by enum ltd_status */
#define STATUS(id, name, meaning) +1
#include <latentd/status.def>
#undef STATUS
};

/* The last of each stands for all others. */
extern const char *const metrics_methods[METRICS_METHODS];
extern const int metrics_statuses[METRICS_STATUSES]; /* 0 ends the list and stands for all others */
extern const double metrics_bounds[METRICS_BUCKETS]; /* seconds, upper, inclusive */
extern const char *const metrics_kinds[METRICS_KINDS];

enum metrics_phase {
    PHASE_CLIP,
    PHASE_UNET_STEP,
    PHASE_VAE_DECODE,
    PHASE_VAE_ENCODE,
    PHASE_PNG,
    METRICS_PHASES
};

extern const char *const metrics_phases[METRICS_PHASES];

struct histogram {
    uint64_t counts[METRICS_BUCKETS + 1]; /* not added up; the last one is above all bounds */
    double sum;
};

/* Of one route. */
struct route_metrics {
    uint64_t requests[METRICS_METHODS][METRICS_STATUSES];
    struct histogram duration;
    uint64_t sent;
};

struct metrics {
    const struct http_route *routes;
    size_t route_count;
    pthread_mutex_t lock;           /* guards all below; a leaf */
    struct route_metrics *by_route; /* [route_count + 1]; the last one is of requests without a route */
    uint64_t created[JOB_FAMILY_COUNT];
    uint64_t ended[METRICS_KINDS][JOB_STATE_COUNT];
    uint64_t images[LTD_PICTURE_FORMAT_COUNT], steps;
    uint64_t rejected[METRICS_REASONS];
    struct histogram queue_wait, job_duration, phases[METRICS_PHASES];
};

#endif
