/*
 * request_decode.h - a request's JSON to a job's request.
 */
#ifndef REQUEST_DECODE_H
#define REQUEST_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/fields.h"
#include "api/problem.h"
#include "jobs/model_set.h"
#include "store/job_request.h"

/* Says whether a webhook may have this URL; false: why, of size bytes, says what is wrong with it. */
typedef bool request_webhook_fn(const void *arg, const char *url, char *why, size_t size);

struct request_context {
    const struct model_set *models;
    struct request_limits limits;
    request_webhook_fn *take_webhook; /* NULL: every URL is taken */
    const void *webhooks;             /* its first argument */
    unsigned formats; /* bits 1 << enum ltd_picture_format: those that the answer may be in; 0: any */
    enum ltd_picture_format format; /* of requests that do not name one; one of these */
    bool lenient; /* what is no field, or says nothing here, is left out with a warning instead of refused */
};

/* Decodes a whole body: every field checked, every default filled in, the seed drawn if none is given, a
 * picture sent along brought to the size of the job.  False: *problem says everything that is wrong (400 not
 * JSON, 422 not a request, 503 no memory).  The caller owns *out. */
bool request_decode(const struct request_context *context, const char *body, size_t size,
                    struct job_request **out, struct problem *problem);

/* The same of a body that has been parsed, or of one that was put together: the other families translate
 * their own names into these fields, and the pointers of what is wrong back.  Borrows document for the call;
 * what was found in *problem before stays there. */
bool request_decode_json(const struct request_context *context, const struct ltd_json *document,
                         struct job_request **out, struct problem *problem);

/* Parses a body within the limits of requests.  False: *problem says 400, or 503 without memory.  The caller
 * frees *out with ltd_json_free. */
bool request_parse(const char *body, size_t size, struct ltd_json **out, struct problem *problem);

#endif
