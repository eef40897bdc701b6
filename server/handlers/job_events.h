/*
 * job_events.h - the native API's events of a job.
 *
 * Each is named as event_name says, has the number of the job's event as its id, and JSON as its data; the
 * last one, "succeeded", "failed" or "canceled", has the finished job.
 */
#ifndef JOB_EVENTS_H
#define JOB_EVENTS_H

#include "handlers/app.h"

/* Queues a job, or joins one, and streams its events, pictures' bytes included; see stream_job_submit. */
bool job_events_submit(struct app *app, struct http_request *request, struct job_request *asked,
                       struct job_submit how, struct http_reply *reply, struct problem *problem);

#endif
