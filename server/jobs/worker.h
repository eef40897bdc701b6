/*
 * worker.h - makes the pictures of one job.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

#include <latentd/session.h>

#include "jobs/job_event.h"
#include "store/job.h"

/* What stands in a picture beside its pixels. */
struct picture_texts {
    char *settings, *record; /* owned; as ltd_picture_encode takes them */
};

/* Who is told while a job is made, and asked, on the thread that makes it. */
struct worker_sink {
    void *arg;
    void (*progress)(void *arg, const struct job_progress *now);        /* whenever something moved */
    void (*preview)(void *arg, struct blob *png);                       /* takes png */
    void (*image)(void *arg, int index, const struct job_image *image); /* one is done; image is lent */
    /* Of a request whose pictures have any; out comes zeroed.  Errors: LTD_ECANCELED, LTD_ENOMEM. */
    enum ltd_status (*texts)(void *arg, const struct job_request *request, int index,
                             struct picture_texts *out, struct ltd_error *err);
    const atomic_bool *cancel, *wants_preview; /* as in struct ltd_watch */
};

/* upscalers: for pictures that are made larger.  Makes every picture of request, one after another, on the
 * calling thread.  *result is filled whatever happens. */
void worker_run(struct ltd_session *session, const struct ltd_upscalers *upscalers,
                const struct job_request *request, const struct worker_sink *sink, struct job_result *result);

#endif
