/*
 * openai_encode.h - jobs, models and errors in the shapes that clients of OpenAI's image API read.
 *
 * Everything returned is the caller's to free; NULL, or JSON that does not print, without memory.
 */
#ifndef OPENAI_ENCODE_H
#define OPENAI_ENCODE_H

#include <stdint.h>

#include <latentd/json.h>

#include "api/openai_request.h"
#include "api/problem.h"
#include "jobs/model_set.h"
#include "store/job.h"
#include "util/blob.h"

/* {"error": {"message", "type", "param", "code"}}, always all four; message tells everything that is wrong,
 * param is the first of it, or null. */
struct ltd_json *openai_error_encode(const struct problem *problem);

/* The reply to a request whose job has succeeded.  base: what stands before /api/v1/... in the URLs of its
 * pictures, when the client wants URLs. */
struct ltd_json *openai_images_encode(const struct job_record *job, const struct openai_answer *answer,
                                      const char *base);

/* "image_generation.partial_image" or its like: the name of a stream's event; static storage. */
const char *openai_partial_name(enum openai_route route);
const char *openai_completed_name(enum openai_route route);
/* Their data.  png: the picture so far, of any size, which is brought to the job's. */
struct ltd_json *openai_partial_encode(const struct job_record *job, const struct openai_answer *answer,
                                       const struct blob *png, int index);
struct ltd_json *openai_completed_encode(const struct job_record *job, const struct openai_answer *answer,
                                         int image);

/* {"object": "list", "data": [...]} and one model of it.  created_s: since 1970. */
struct ltd_json *openai_models_encode(const struct model_set *models, int64_t created_s);
struct ltd_json *openai_model_encode(const struct model_set *models, size_t index, int64_t created_s);

#endif
