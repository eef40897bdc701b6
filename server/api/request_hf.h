/*
 * request_hf.h - the form of requests that Hugging Face's clients send: {"inputs": TEXT, "parameters":
 * {...}}.
 */
#ifndef REQUEST_HF_H
#define REQUEST_HF_H

#include "api/request_decode.h"
#include "api/request_encode.h"

/* Whether a document is of that form, rather than a request in fields of our own. */
bool request_hf_is(const struct ltd_json *document);

/* As request_decode_json; what is wrong is told by the names of that form ("/parameters/guidance_scale"). */
bool request_hf_decode(const struct request_context *context, const struct ltd_json *document,
                       struct job_request **out, struct problem *problem);

/* For struct family_doc. */
void request_hf_add_schemas(struct ltd_json *schemas, const struct schema_context *context);
void request_hf_add_fields(struct ltd_json *fields);

#endif
