/*
 * openai_request.h - OpenAI's image requests in the native terms.
 *
 * The table is openai_fields.def.  What a request means, and most of what may be wrong with it, is told by
 * the native decoder: here its names are translated, there and back.
 */
#ifndef OPENAI_REQUEST_H
#define OPENAI_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <latentd/json.h>

#include "api/openai_fields.h"
#include "api/problem.h"
#include "api/request_decode.h"
#include "store/job_request.h"
#include "util/sha256.h"

/* How the client wants to be answered. */
struct openai_answer {
    enum openai_route route;
    enum openai_quality quality; /* what was asked for; auto when nothing was */
    bool urls;                   /* where the pictures are, rather than the pictures */
    bool stream;
    int partial_images; /* of a stream, at most this many */
};

struct openai_request {
    struct job_request *job; /* owned */
    struct openai_answer answer;
    uint8_t fingerprint[SHA256_SIZE]; /* equal for requests for the same pictures */
    bool has_seed;                    /* said by the client, so that equal requests give equal pictures */
};

void openai_request_fini(struct openai_request *request); /* also of a zeroed struct */

/* Decodes an object: a request's JSON or, with from_form, what its form holds, where every value is a text
 * and a file is its base64.  strict_model: a model that is not served is refused.  False: *problem says
 * everything that is wrong, in the request's own names (422 not a request, 404 no such model, 503 no memory).
 * The caller ends *out. */
bool openai_request_decode(const struct request_context *context, enum openai_route route,
                           const struct ltd_json *document, bool from_form, bool strict_model,
                           struct openai_request *out, struct problem *problem);

#endif
