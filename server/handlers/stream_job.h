/*
 * stream_job.h - a reply of server-sent events that follows one job, in any family.
 *
 * The job is watched event by event until it has ended or the client is gone; what an event looks like, and
 * which events there are, is the family's.
 */
#ifndef STREAM_JOB_H
#define STREAM_JOB_H

#include "handlers/app.h"
#include "http/sse.h"

/* Writes one event of a job, through sse_event; NULL: this one is not told.  On the HTTP thread: quick.
 * family_arg is what was given below. */
typedef struct blob *stream_job_encode_fn(const struct app *app, const char *id,
                                          const struct job_event *event, int family_arg);

struct stream_job {
    stream_job_encode_fn *encode;
    int family_arg;
    uint64_t after; /* the event that the client has seen last; 0: none */
    bool previews;  /* they are wanted, and made while this client follows */
    bool wants_job; /* the job is for this client, see struct job_watch */
};

/* Queues a job, or joins one, and makes *reply the stream of its events.  Takes the reference to asked,
 * whatever comes of it; the id stands in request->note.  False: *problem says why there is no job. */
bool stream_job_submit(struct app *app, struct http_request *request, struct job_request *asked,
                       struct job_submit how, const struct stream_job *stream, struct http_reply *reply,
                       struct problem *problem);

/* Makes *reply the stream of the job in request->note.  Anything but JOB_FOUND: there is none, and *reply is
 * untouched. */
enum job_found stream_job_follow(struct app *app, struct http_request *request,
                                 const struct stream_job *stream, struct http_reply *reply);

#endif
