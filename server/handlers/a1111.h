/*
 * a1111.h - what the handlers of AUTOMATIC1111's API share.
 *
 * Every reply is JSON and carries X-Process-Time, seconds; query parameters that a route does not know are
 * told in X-Latentd-Warning, since there they go unheard.
 */
#ifndef A1111_H
#define A1111_H

#include "api/a1111_options.h"
#include "api/a1111_refusal.h"
#include "handlers/app.h"

struct a1111_catalog a1111_catalog(const struct app *app);

/* What the options say for all requests; both on any thread. */
struct a1111_settings a1111_settings_get(const struct app *app);
void a1111_settings_set(struct app *app, const struct a1111_settings *settings);

/* Fills *reply with JSON, which is freed; NULL becomes an empty 503.  known: the route's query parameters,
 * with a space between two; NULL: it has none. */
enum http_next a1111_reply(const struct http_request *request, struct http_reply *reply,
                           struct ltd_json *json, const char *known);
/* Fills *reply with a refusal, which is ended, and the headers that go with its status; one without a status
 * says that there is no memory. */
enum http_next a1111_reply_refusal(const struct app *app, const struct http_request *request,
                                   struct http_reply *reply, struct a1111_refusal *refusal);

/* What a job that has succeeded is answered with; NULL without memory. */
typedef struct ltd_json *a1111_encode_fn(const struct app *app, const struct job_view *job);

/* Fills *reply once the job that the request waits for has ended, or the server ends before it. */
enum http_next a1111_reply_job(const struct app *app, struct http_request *request, struct http_reply *reply,
                               a1111_encode_fn *encode);

/* Parses a body.  NULL: *refusal says what is wrong with it. */
struct ltd_json *a1111_parse(const struct http_request *request, struct a1111_refusal *refusal);

/* An a1111_note_fn: writes the note as a header of the struct http_reply that arg is. */
void a1111_note_header(void *arg, const char *name, const char *message);

/* Whether a body may take more than a moment to look at: it is long, or may name a model that is not open
 * yet. */
bool a1111_body_is_long(const struct app *app, const struct http_request *request);

#endif
