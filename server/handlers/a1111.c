#include "handlers/a1111.h"

#include "api/a1111_fields.h"
#include "handlers/wait_job.h"
#include "util/clock.h"

enum { LONG_BODY = 64 * 1024, LAYERS_BITS = 8, FORMAT_BITS = 2, QUALITY_BITS = 7, LOSSLESS_BITS = 1 };

/* Takes the lowest bits off. */
static unsigned take_bits(uint64_t *packed, int bits)
{
    const unsigned taken = (unsigned)(*packed & ((1u << bits) - 1));

    *packed >>= bits;
    return taken;
}

struct a1111_catalog a1111_catalog(const struct app *app)
{
    return (struct a1111_catalog){app->models, app->digests};
}

struct a1111_settings a1111_settings_get(const struct app *app)
{
    uint64_t packed = atomic_load(&app->a1111_settings);
    struct a1111_settings settings;

    settings.stop_at_last_layers = (int)take_bits(&packed, LAYERS_BITS);
    settings.format = (enum ltd_picture_format)take_bits(&packed, FORMAT_BITS);
    settings.jpeg_quality = (int)take_bits(&packed, QUALITY_BITS);
    settings.webp_lossless = take_bits(&packed, LOSSLESS_BITS);
    settings.model = (size_t)packed;
    return settings;
}

/* All in one word: a request never sees some of them alone changed. */
void a1111_settings_set(struct app *app, const struct a1111_settings *settings)
{
    uint64_t packed = settings->model;

    packed = packed << LOSSLESS_BITS | settings->webp_lossless;
    packed = packed << QUALITY_BITS | (unsigned)settings->jpeg_quality;
    packed = packed << FORMAT_BITS | (unsigned)settings->format;
    packed = packed << LAYERS_BITS | (unsigned)settings->stop_at_last_layers;
    atomic_store(&app->a1111_settings, packed);
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

enum http_next a1111_reply_job(const struct app *app, struct http_request *request, struct http_reply *reply,
                               a1111_encode_fn *encode)
{
    struct a1111_refusal refusal = {0};
    struct problem problem = {0};
    struct job_view job;
    enum http_next next = HTTP_DESK;

    if (wait_job_fetch(app, request, &job, &problem) != WAIT_JOB_SUCCEEDED) {
        a1111_refuse_problem(&refusal, &problem, a1111_place_of);
        problem_fini(&problem);
        http_reply_header(reply, "X-Job-Id", "%s", request->note);
        return a1111_reply_refusal(app, request, reply, &refusal);
    }
    if (request->at_desk || !job_is_long(&job.record)) {
        next = a1111_reply(request, reply, encode(app, &job), NULL);
        wait_job_headers(&job, reply);
    }
    job_record_fini(&job.record);
    return next;
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

bool a1111_body_is_long(const struct app *app, const struct http_request *request)
{
    return request->body_size > LONG_BODY ||
           model_set_may_ask(app->models, request->body, request->body_size);
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
