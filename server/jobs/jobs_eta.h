/*
 * jobs_eta.h - when will it be done?
 *
 * All of it under jobs->lock.
 */
#ifndef JOBS_ETA_H
#define JOBS_ETA_H

#include "jobs/jobs_private.h"

/* Notes that a worker has begun a job, or that its job has moved on to worker->progress, just now. */
void jobs_eta_started(struct worker *worker);
void jobs_eta_moved(struct worker *worker);

/* Seconds until the end of a job that waits or runs; 0 for one that has ended. */
double jobs_eta_of(const struct jobs *jobs, struct live *live);
/* Seconds until a job behind all that wait would start. */
double jobs_eta_of_start(const struct jobs *jobs);
/* Seconds until a worker is free to take a job from the queue. */
double jobs_eta_of_room(const struct jobs *jobs);

#endif
