/*
 * openai_stream.h - a picture in OpenAI's server-sent events: partial ones on the way, then the whole.
 *
 * The HTTP thread only passes events on.  Previews are brought to the picture's size, and pictures into
 * base64, at the desk.
 */
#ifndef OPENAI_STREAM_H
#define OPENAI_STREAM_H

#include <stdbool.h>

#include "api/openai_request.h"
#include "handlers/app.h"

/* Queues a job, or joins one (*how; its watch is set here), and makes *reply the stream of its events.  Takes
 * a reference to asked->job; the job's id stands in request->note.  False: *problem says why there is no job.
 */
bool openai_stream_submit(struct app *app, struct http_request *request, const struct openai_request *asked,
                          struct job_submit how, struct http_reply *reply, struct problem *problem);

#endif
