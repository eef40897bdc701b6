/*
 * request_encode.h - a request's JSON from what a job was made of, and the JSON Schema of requests, both by
 * the table of fields.
 */
#ifndef REQUEST_ENCODE_H
#define REQUEST_ENCODE_H

#include <latentd/json.h>
#include <latentd/params.h>

#include "api/fields.h"
#include "jobs/model_set.h"
#include "store/job_request.h"

/* The request with every default filled in, to be sent again as it is; but for the picture of img2img, which
 * is not told, and without which the server says that it is missing.  NULL without memory. */
struct ltd_json *request_encode(const struct job_request *request, const struct model_set *models);

/* What a request to a model is when it says nothing: those fields whose values are the model's. */
struct ltd_json *defaults_encode(const struct ltd_gen_params *params);

/* What a schema says beside the table. */
struct schema_context {
    const struct request_limits *limits;
    const struct ltd_gen_params *defaults; /* of the model that draws when none is named */
    int side_multiple;                     /* of all models; 1: they differ */
    int max_requests;                      /* of a batch */
};

/* JSON Schema (2020-12) of a request, and of one field. */
struct ltd_json *request_schema(const struct schema_context *context);
struct ltd_json *field_schema(enum field_id id, const struct schema_context *context);

#endif
