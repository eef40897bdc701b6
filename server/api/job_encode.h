/*
 * job_encode.h - jobs and models as JSON.
 */
#ifndef JOB_ENCODE_H
#define JOB_ENCODE_H

#include <stdbool.h>

#include <latentd/json.h>

#include "jobs/jobs.h"
#include "jobs/model_set.h"

/* A job with its request resolved, its progress, timings, warnings, pictures, error and URLs; the caller
 * frees it.  with_images: the pictures stand in it as base64.  NULL without memory. */
struct ltd_json *job_encode(const struct job_view *job, const struct model_set *models, bool with_images);

/* {"models": [...]}: what each is, and what a request to it is when it says nothing. */
struct ltd_json *models_encode(const struct model_set *models);

#endif
