/*
 * metrics.h - what is counted, for GET /metrics in the text format of Prometheus (version 0.0.4).
 *
 * Names, types and meanings are the rows of metrics.def.  A label has few values, all known beforehand:
 * routes by their pattern, methods and statuses by a list with a last one for all others.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "http/http_route.h"
#include "http/httpd.h"
#include "jobs/jobs.h"
#include "jobs/model_set.h"
#include "util/blob.h"
#include "util/process_stats.h"
#include "webhook/webhooks.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics;

/* Borrows routes[count].  NULL without memory. */
struct metrics *metrics_open(const struct http_route *routes, size_t count);
void metrics_close(struct metrics *metrics); /* NULL is fine */

/* Counts; on any thread. */
void metrics_request(struct metrics *metrics, const char *method, const struct http_route *route, int status,
                     double seconds, size_t sent);
void metrics_rejected(struct metrics *metrics, enum ltd_status why);
/* Counts what jobs tell from now on; before the first submit. */
void metrics_observe(struct metrics *metrics, struct jobs *jobs);

/* What is not counted but looked at when somebody asks. */
struct metrics_now {
    bool ready;
    const struct model_set *models;
    struct job_queue_view queue;
    struct httpd_load load;
    struct webhook_counts webhooks;
    bool has_process;
    struct process_stats process;
};

/* Everything, as text; NULL without memory. */
struct blob *metrics_print(struct metrics *metrics, const struct metrics_now *now);

#endif
