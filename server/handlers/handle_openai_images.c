#include "handlers/openai_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openai_encode.h"
#include "handlers/idempotency_key.h"
#include "handlers/openai_form.h"
#include "handlers/openai_stream.h"
#include "handlers/wait_job.h"
#include "http/http_form.h"

enum { LONG_BODY = 64 * 1024 };

/* What is still to be known when the job has ended, in request->own. */
static unsigned answer_pack(const struct openai_answer *answer)
{
    return (unsigned)answer->route | (unsigned)answer->urls << 4 | (unsigned)answer->quality << 8;
}

static struct openai_answer answer_unpack(unsigned packed)
{
    return (struct openai_answer){.route = (enum openai_route)(packed & 15),
                                  .urls = (packed >> 4 & 1) != 0,
                                  .quality = (enum openai_quality)(packed >> 8)};
}

/* Whether a client library says that it has asked for the same before. */
static bool is_retried(const struct http_request *request)
{
    const char *count = http_request_header(request, "x-stainless-retry-count");

    return count && atoi(count) > 0;
}

bool admit_openai_job(void *self, const struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    return (is_retried(request) && !atomic_load(&app->draining)) || admit_job(self, request, reply);
}

/* What stands before the path in this server's URLs, as the client sees them. */
static void find_base(const struct app *app, const struct http_request *request, char *out, size_t size)
{
    const char *host = http_request_header(request, "Host");

    if (app->public_url[0])
        snprintf(out, size, "%s", app->public_url);
    else if (host)
        snprintf(out, size, "http://%s", host);
    else
        out[0] = '\0';
}

static void reply_images(const struct app *app, const struct http_request *request,
                         const struct job_view *job, const struct openai_answer *answer,
                         struct http_reply *reply)
{
    char base[300];

    find_base(app, request, base, sizeof base);
    http_reply_header(reply, "openai-processing-ms", "%lld",
                      (long long)(job->record.ended_ms - job->record.created_ms));
    wait_job_headers(job, reply);
    reply_json(reply, 200, openai_images_encode(&job->record, answer, base));
}

/* The job has ended, or the server ends before it. */
static enum http_next finish(const struct app *app, struct http_request *request, struct http_reply *reply)
{
    const struct openai_answer answer = answer_unpack(request->own);
    struct problem problem = {0};
    struct job_view job;

    if (wait_job_fetch(app, request, &job, &problem) != WAIT_JOB_SUCCEEDED) {
        http_reply_header(reply, "X-Job-Id", "%s", request->note);
        openai_reply_problem(app, &problem, reply);
        return HTTP_REPLY;
    }
    if (!answer.urls && !request->at_desk && job_is_long(&job.record)) {
        job_record_fini(&job.record);
        return HTTP_DESK;
    }
    reply_images(app, request, &job, &answer, reply);
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

static bool read_form(const struct http_request *request, struct ltd_json **out, struct problem *problem)
{
    struct http_form form;
    struct http_refusal why = {0};
    bool right;

    if (!http_form_parse(request, &form, &why)) {
        problem_set(problem, why.status, why.code, "%s", why.detail);
        return false;
    }
    right = openai_form_read(&form, out, problem);
    http_form_fini(&form);
    return right;
}

static bool read_request(const struct app *app, const struct http_request *request, enum openai_route route,
                         struct openai_request *asked, struct problem *problem)
{
    const bool from_form = route != OPENAI_GENERATIONS;
    struct ltd_json *document = NULL;
    bool right = from_form ? read_form(request, &document, problem)
                           : request_parse(request->body, request->body_size, &document, problem);

    right = right && openai_request_decode(&app->decode, route, document, from_form, app->strict_model, asked,
                                           problem);
    ltd_json_free(document);
    return right;
}

/* A client that repeats itself, or that has said everything, the seed too, gets the job that is there
 * already: the client libraries ask again when they have waited long, without any other sign that it is the
 * same. */
static enum http_next submit(struct app *app, struct http_request *request,
                             const struct openai_request *asked, struct http_reply *reply,
                             struct problem *problem)
{
    char key[IDEMPOTENCY_KEY_SIZE];
    struct job_submit how = {.fingerprint = asked->fingerprint,
                             .join = asked->has_seed || is_retried(request)};

    if (!idempotency_key_read(request, JOB_OPENAI, key, problem))
        return HTTP_REPLY;
    how.key = key[0] ? key : NULL;
    request->own = answer_pack(&asked->answer);
    if (asked->answer.stream) {
        if (openai_stream_submit(app, request, asked, how, reply, problem))
            return HTTP_STREAM;
    } else if (wait_job_submit(app, request, job_request_ref(asked->job), how, problem)) {
        return HTTP_WAIT;
    }
    idempotency_key_conflict(key, problem);
    return HTTP_REPLY;
}

static enum http_next handle(struct app *app, struct http_request *request, enum openai_route route,
                             struct http_reply *reply)
{
    struct openai_request asked = {0};
    struct problem problem = {0};
    enum http_next next = HTTP_REPLY;

    if (request->resumed)
        return finish(app, request, reply);
    if (!request->at_desk && (route != OPENAI_GENERATIONS || request->body_size > LONG_BODY ||
                              model_set_may_ask(app->models, request->body, request->body_size)))
        return HTTP_DESK;
    if (read_request(app, request, route, &asked, &problem))
        next = submit(app, request, &asked, reply, &problem);
    openai_request_fini(&asked);
    if (next == HTTP_REPLY)
        openai_reply_problem(app, &problem, reply);
    return next;
}

enum http_next handle_openai_generations(void *self, struct http_request *request, struct http_reply *reply)
{
    return handle(self, request, OPENAI_GENERATIONS, reply);
}

enum http_next handle_openai_edits(void *self, struct http_request *request, struct http_reply *reply)
{
    return handle(self, request, OPENAI_EDITS, reply);
}

enum http_next handle_openai_variations(void *self, struct http_request *request, struct http_reply *reply)
{
    return handle(self, request, OPENAI_VARIATIONS, reply);
}
