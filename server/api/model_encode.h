/*
 * model_encode.h - what is served, and within which limits, as JSON.
 *
 * All give an object that the caller frees, NULL without memory.
 */
#ifndef MODEL_ENCODE_H
#define MODEL_ENCODE_H

#include <latentd/json.h>

#include "api/request_decode.h"
#include "jobs/model_set.h"

/* {"models": [...]}: what each is, and what a request to it is when it says nothing. */
struct ltd_json *models_encode(const struct model_set *models);
/* One of them; of a model that nobody has asked for, little. */
struct ltd_json *model_encode(const struct model_set *models, size_t index);

/* {"upscalers": [...]} */
struct ltd_json *upscalers_encode(const struct ltd_upscalers *upscalers);

/* Numbers that the API itself has, beside those of requests. */
struct api_limits {
    size_t max_body;
    int queue, batch, wait_s;
};

/* Samplers, schedulers, sizes, limits, formats, the fields of requests with their schemas, and how each
 * family of the API treats its fields. */
struct ltd_json *capabilities_encode(const struct request_context *context, const struct api_limits *limits);

/* What the models of a set have in common, for schemas; 1 where that is not known of all. */
int model_set_side_multiple(const struct model_set *models);

#endif
