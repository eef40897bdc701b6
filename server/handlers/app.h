/*
 * app.h - what the handlers know.
 */
#ifndef APP_H
#define APP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "api/model_encode.h"
#include "api/problem.h"
#include "api/request_decode.h"
#include "handlers/metrics.h"
#include "http/http_message.h"
#include "http/http_route.h"
#include "jobs/jobs.h"
#include "jobs/model_digest.h"
#include "jobs/model_set.h"
#include "webhook/webhooks.h"

/* Limits of the native API that no option moves. */
enum { API_MAX_WAIT_S = 600, API_MAX_REQUESTS = 256, API_MAX_LISTED = 200 };

struct app {
    struct jobs *jobs;
    const struct model_set *models;
    struct model_digests *digests; /* NULL: none is known */
    struct request_context decode;
    struct api_limits limits;
    struct metrics *metrics;
    struct webhooks *webhooks;       /* NULL: off */
    _Atomic uint64_t a1111_settings; /* what AUTOMATIC1111's options say: handlers/a1111.h */
    atomic_bool draining;            /* no new jobs are taken */
    /* What stands before the paths in the URLs that it sends, "https://HOST/latentd"; "": what the client
     * called it. */
    const char *public_url;
    bool strict_model; /* OpenAI's family refuses models that are not served */
    int64_t started_s; /* since 1970 */
};

/* Every handler is a http_handle_fn or a http_admit_fn; self is the struct app. */
#define PREFIX(path, family)
#define ROUTE(family, method, pattern, handle, admit, body, query, takes, gives, about) http_handle_fn handle;
#include "handlers/routes.def"
#undef ROUTE
#undef PREFIX
/* Refuses while the queue is full or the server drains; but for a request that may join a job. */
http_admit_fn admit_job;
/* The same, where clients say in another way, too, that they repeat themselves. */
http_admit_fn admit_openai_job;
http_admit_fn admit_a1111_job; /* the same, without joining */

/* The HTTP server's other calls (struct http_app).  app_refuse takes the form of the request's family. */
void app_refuse(void *self, const struct http_request *request, const struct http_refusal *refusal,
                struct http_reply *reply);
void app_abandon(void *self, const char *note, uint64_t ticket);
void app_done(void *self, const struct http_request *request, const struct http_route *route, int status,
              double seconds, size_t sent);

/* Each family's form of a refusal; Allow is set for all. */
typedef void app_refuse_fn(const struct app *app, const struct http_request *request,
                           const struct http_refusal *refusal, struct http_reply *reply);
app_refuse_fn native_refuse, openai_refuse, a1111_refuse;

/* Fills *reply with a problem, which is ended, and the headers that go with its status. */
void reply_problem(const struct app *app, const struct http_request *request, struct problem *problem,
                   struct http_reply *reply);
/* The same from a printf format. */
void reply_error(const struct app *app, const struct http_request *request, struct http_reply *reply,
                 int status, const char *code, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Fills *reply with JSON, which is freed; NULL becomes an empty 503. */
void reply_json(struct http_reply *reply, int status, struct ltd_json *json);
/* Whether printing the job's pictures as base64 takes more than a moment. */
bool job_is_long(const struct job_record *record);
/* The reply to a job that is not to be had: 410, 404 or 503. */
void reply_absent(const struct app *app, const struct http_request *request, struct http_reply *reply,
                  enum job_found found);

#endif
