/*
 * worker.h - makes the pictures of one job.
 */
#ifndef WORKER_H
#define WORKER_H

#include <latentd/session.h>

#include "jobs/job.h"
#include "jobs/jobs.h"

/* Makes every picture of request, one after another, on the calling thread.  progress is called with arg
 * whenever something moved.  *result is filled whatever happens. */
void worker_run(struct ltd_session *session, const struct ltd_model *model, const struct job_request *request,
                const atomic_bool *cancel, void (*progress)(void *arg, const struct job_progress *now),
                void *arg, struct job_result *result);

#endif
