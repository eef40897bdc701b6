/*
 * job_encode.h - jobs, what happens to them, and their queue as JSON.
 *
 * All give an object that the caller frees, NULL without memory.
 */
#ifndef JOB_ENCODE_H
#define JOB_ENCODE_H

#include <stdbool.h>

#include <latentd/json.h>

#include "jobs/jobs.h"
#include "jobs/model_set.h"

/* A job with its request resolved, its progress, timings, warnings, pictures, error and URLs.  with_images:
 * the pictures stand in it as base64. */
struct ltd_json *job_encode(const struct job_view *job, const struct model_set *models, bool with_images);

struct ltd_json *progress_encode(const struct job_progress *progress, enum job_state state);

/* "queued", "position", "started", "progress", "preview", "image"; at the end the state's name. */
const char *event_name(const struct job_event *event);

/* An event but for the last, which is told as the job.  with_images: a finished picture stands in it, as a
 * preview always does. */
struct ltd_json *event_encode(const char *id, const struct job_event *event, bool with_images);

struct ltd_json *queue_encode(const struct job_queue_view *queue);

/* What a request would take, with the request resolved and its warnings. */
struct ltd_json *estimate_encode(const struct job_estimate *estimate, const struct job_request *request,
                                 const struct model_set *models);

#endif
