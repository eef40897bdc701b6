/*
 * worker.h - makes the pictures of one job.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

#include <latentd/session.h>

#include "jobs/job_event.h"
#include "store/job.h"

/* Who is told while a job is made, on the thread that makes it. */
struct worker_sink {
    void *arg;
    void (*progress)(void *arg, const struct job_progress *now);        /* whenever something moved */
    void (*preview)(void *arg, struct blob *png);                       /* takes png */
    void (*image)(void *arg, int index, const struct job_image *image); /* one is done; image is lent */
    const atomic_bool *cancel, *wants_preview;                          /* as in struct ltd_watch */
};

/* Makes every picture of request, one after another, on the calling thread.  *result is filled whatever
 * happens. */
void worker_run(struct ltd_session *session, const struct ltd_model *model, const struct job_request *request,
                const struct worker_sink *sink, struct job_result *result);

#endif
