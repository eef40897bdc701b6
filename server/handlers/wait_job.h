/*
 * wait_job.h - a request that waits for its job, in any family.
 *
 * A handler submits, says HTTP_WAIT, and fetches the job when it is called again:
 *
 *     if (request->resumed)
 *         switch (wait_job_fetch(app, request, &job, &problem)) ...
 *     if (!wait_job_submit(app, request, asked, &how, &problem))
 *         reply in the family's own form
 *     return HTTP_WAIT;
 *
 * The job's id stands in request->note from the submission on.  The client is one that the job is for: when
 * it hangs up and nobody else waits for the job, the job is canceled, at once or, where the request is told
 * to stay (job_request.detach), after a while.
 */
#ifndef WAIT_JOB_H
#define WAIT_JOB_H

#include <stdbool.h>

#include "api/problem.h"
#include "handlers/app.h"

enum wait_job {
    WAIT_JOB_SUCCEEDED, /* *job is filled; ended with job_record_fini(&job->record) */
    WAIT_JOB_FAILED,    /* *problem says why; the job failed, was canceled, or is no longer there */
    WAIT_JOB_UNFINISHED /* wait_until has come.  *problem says 503, which is the reply of a handler that set
                           no such time: then the server is ending. */
};

/* Queues a job, or joins one (*how; its watch is set here), and watches for its end.  Takes the reference to
 * asked, whatever comes of it.  False: *problem says why there is no job. */
bool wait_job_submit(struct app *app, struct http_request *request, struct job_request *asked,
                     struct job_submit how, struct problem *problem);

/* The same without waiting: as *how says, watch and all.  *submitted says whether the job was there before.
 */
bool submit_job(struct app *app, struct http_request *request, struct job_request *asked,
                const struct job_submit *how, struct job_submitted *submitted, struct problem *problem);

/* Wakes a request that waits or streams, for struct job_watch; its number is the request's ticket. */
struct job_notify notify_request(const struct http_request *request);

/* What has become of the job in request->note. */
enum wait_job wait_job_fetch(const struct app *app, const struct http_request *request, struct job_view *job,
                             struct problem *problem);

/* Why there is no job: 410 expired, 404 never was. */
void problem_absent(struct problem *problem, enum job_found found);

/* The headers that a reply with a job carries in every family: X-Job-Id, Location of the job in /api/v1,
 * X-Seed of its first picture where it is drawn, and an X-Latentd-Warning for each warning, as far as there
 * is room: to be added last. */
void wait_job_headers(const struct job_view *job, struct http_reply *reply);

/* The native reply with the job in request->note, without its pictures' bytes: 202, or, where `ended` says
 * so, 200 when it has ended. */
void reply_handle(const struct app *app, const struct http_request *request, bool ended,
                  struct http_reply *reply);

#endif
