#include "handlers/a1111.h"

#include "util/clock.h"

enum { LONG_BODY = 64 * 1024, LAYERS_BITS = 8 };

struct a1111_catalog a1111_catalog(const struct app *app)
{
    return (struct a1111_catalog){app->models, app->digests};
}

struct a1111_settings a1111_settings_get(const struct app *app)
{
    const unsigned packed = atomic_load(&app->a1111_settings);

    return (struct a1111_settings){packed >> LAYERS_BITS, (int)(packed & ((1u << LAYERS_BITS) - 1))};
}

/* Both in one word: a request never sees one of them alone changed. */
void a1111_settings_set(struct app *app, const struct a1111_settings *settings)
{
    atomic_store(&app->a1111_settings,
                 (unsigned)settings->model << LAYERS_BITS | (unsigned)settings->stop_at_last_layers);
}

static void add_time(const struct http_request *request, struct http_reply *reply)
{
    http_reply_header(reply, "X-Process-Time", "%.4f", clock_monotonic() - request->began);
}

enum http_next a1111_reply(const struct http_request *request, struct http_reply *reply,
                           struct ltd_json *json, const char *known)
{
    enum { SHOWN = 64 };
    size_t length;
    const char *name = http_request_query_unknown(request, known, &length);

    if (name)
        http_reply_header(reply, "X-Latentd-Warning", "%.*s: is no query parameter here, and was ignored",
                          (int)(length < SHOWN ? length : SHOWN), name);
    add_time(request, reply);
    reply_json(reply, 200, json);
    return HTTP_REPLY;
}

enum http_next a1111_reply_refusal(const struct app *app, const struct http_request *request,
                                   struct http_reply *reply, struct a1111_refusal *refusal)
{
    if (refusal->status == 0)
        a1111_refuse_all(refusal, 503, "no_memory", "no memory for the request; try again later");
    if (refusal->status == 429 || refusal->status == 503)
        http_reply_header(reply, "Retry-After", "%d", jobs_retry_after(app->jobs));
    reply->close |= refusal->status == 503 && atomic_load(&app->draining);
    add_time(request, reply);
    reply_json(reply, refusal->status, a1111_refusal_encode(refusal));
    a1111_refusal_fini(refusal);
    return HTTP_REPLY;
}

struct ltd_json *a1111_parse(const struct http_request *request, struct a1111_refusal *refusal)
{
    struct problem problem = {0};
    struct ltd_json *document = NULL;

    if (request_parse(request->body, request->body_size, &document, &problem))
        return document;
    if (problem.status == 400)
        a1111_refuse_value(refusal, "", "value_error.jsondecode", "%s", problem.detail);
    else
        a1111_refuse_problem(refusal, &problem, NULL);
    problem_fini(&problem);
    return NULL;
}

void a1111_note_header(void *arg, const char *name, const char *message)
{
    struct http_reply *reply = arg;

    /* The last ones are for the reply itself. */
    if (reply->header_count + 4 < HTTP_MAX_REPLY_HEADERS)
        http_reply_header(reply, "X-Latentd-Warning", "%.64s: %s", name, message);
}

bool a1111_body_is_long(const struct http_request *request)
{
    return request->body_size > LONG_BODY;
}

void a1111_refuse(const struct app *app, const struct http_request *request,
                  const struct http_refusal *refusal, struct http_reply *reply)
{
    struct a1111_refusal said = {0};

    a1111_refuse_all(&said, refusal->status, refusal->code, "%s", refusal->detail);
    a1111_reply_refusal(app, request, reply, &said);
}

bool admit_a1111_job(void *self, const struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct a1111_refusal refusal = {0};

    if (atomic_load(&app->draining))
        a1111_refuse_all(&refusal, 503, "closed", "the server is shutting down");
    else if (jobs_are_full(app->jobs))
        a1111_refuse_all(&refusal, 429, "queue_full", "as many jobs wait as may; try again later");
    else
        return true;
    a1111_reply_refusal(app, request, reply, &refusal);
    return false;
}
