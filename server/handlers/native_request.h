/*
 * native_request.h - what the native API's requests that make jobs have in common: a JSON document,
 * preferences (RFC 7240) and an Idempotency-Key.
 */
#ifndef NATIVE_REQUEST_H
#define NATIVE_REQUEST_H

#include "handlers/app.h"
#include "handlers/idempotency_key.h"
#include "util/sha256.h"

struct native_request {
    struct request_context context; /* strict, or lenient where the client prefers that */
    struct ltd_json *document;
    bool respond_async, says_handling;
    int wait_s;                     /* at most API_MAX_WAIT_S; -1: the client did not say */
    char key[IDEMPOTENCY_KEY_SIZE]; /* "": none */
    uint8_t fingerprint[SHA256_SIZE];
};

/* Reads the preferences alone: what is left of a request that has waited. */
void native_request_prefers(const struct app *app, const struct http_request *request,
                            struct native_request *out);

/* Reads headers and body.  False: *problem says what is wrong, and there is nothing to end. */
bool native_request_read(const struct app *app, const struct http_request *request,
                         struct native_request *out, struct problem *problem);
void native_request_fini(struct native_request *native);

/* Whether reading takes more than a moment, and belongs to the desk: a body that is long, or has a picture,
 * of which few bytes can be many pixels, or many requests, or one that may name a model that is not open yet.
 */
bool native_request_is_long(const struct app *app, const struct http_request *request);

/* How the job is to be submitted; borrows native. */
struct job_submit native_request_submit(const struct native_request *native);

/* Names the preferences that were followed; waited says whether wait was one of them. */
void native_request_applied(const struct native_request *native, bool waited, struct http_reply *reply);
#endif
