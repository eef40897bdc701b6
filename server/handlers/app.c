#include "handlers/app.h"

#include <stdarg.h>
#include <stdio.h>

enum { LONG_ANSWER = 256 * 1024 };

void reply_json(struct http_reply *reply, int status, struct ltd_json *json)
{
    http_reply_body(reply, status, "application/json", json_to_blob(json));
}

void reply_problem(const struct app *app, const struct http_request *request, struct problem *problem,
                   struct http_reply *reply)
{
    const bool draining = atomic_load(&app->draining);

    if (problem->status == 429 || problem->status == 503)
        http_reply_header(reply, "Retry-After", "%d", jobs_retry_after(app->jobs));
    reply->close |= problem->status == 503 && draining;
    http_reply_body(reply, problem->status, PROBLEM_TYPE,
                    json_to_blob(problem_encode(problem, request->request_id)));
    problem_fini(problem);
}

void reply_error(const struct app *app, const struct http_request *request, struct http_reply *reply,
                 int status, const char *code, const char *format, ...)
{
    struct problem problem = {0};
    char detail[sizeof problem.detail];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    problem_set(&problem, status, code, "%s", detail);
    reply_problem(app, request, &problem, reply);
}

void reply_absent(const struct app *app, const struct http_request *request, struct http_reply *reply,
                  enum job_found found)
{
    if (found == JOB_EXPIRED)
        reply_error(app, request, reply, 410, "expired", "the job has ended, and is no longer kept");
    else if (found == JOB_NO_MEMORY)
        reply_error(app, request, reply, 503, "no_memory", "no memory for the job; try again later");
    else
        reply_error(app, request, reply, 404, "not_found", "there is no such job");
}

bool job_is_long(const struct job_record *record)
{
    size_t bytes = 0;

    for (int i = 0; i < record->result.image_count; i++)
        bytes += blob_size(record->result.images[i].png);
    return bytes > LONG_ANSWER;
}

void native_refuse(const struct app *app, const struct http_request *request,
                   const struct http_refusal *refusal, struct http_reply *reply)
{
    reply_error(app, request, reply, refusal->status, refusal->code, "%s", refusal->detail);
}

void app_refuse(void *self, const struct http_request *request, const struct http_refusal *refusal,
                struct http_reply *reply)
{
    static app_refuse_fn *const refuse[] = {
        [FAMILY_NATIVE] = native_refuse,
        [FAMILY_OPENAI] = openai_refuse,
        [FAMILY_A1111] = native_refuse,
    };

    if (refusal->allow[0])
        http_reply_header(reply, "Allow", "%s", refusal->allow);
    refuse[request->family](self, request, refusal, reply);
}

void app_abandon(void *self, const char *note, uint64_t ticket)
{
    const struct app *app = self;

    jobs_abandon(app->jobs, note, ticket);
}

/* A refusal in the form of the request's family, from a printf format; false. */
static bool refuse(const struct app *app, const struct http_request *request, struct http_reply *reply,
                   int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static bool refuse(const struct app *app, const struct http_request *request, struct http_reply *reply,
                   int status, const char *code, const char *format, ...)
{
    struct http_refusal refusal = {.status = status, .code = code};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(refusal.detail, sizeof refusal.detail, format, arguments);
    va_end(arguments);
    app_refuse((void *)(uintptr_t)app, request, &refusal, reply);
    return false;
}

/* False: *reply names the first query parameter that is not `known`. */
static bool check_query(const struct app *app, const struct http_request *request, const char *known,
                        struct http_reply *reply)
{
    enum { SHOWN = 64 };
    size_t length;
    const char *name = http_request_query_unknown(request, known, &length);

    return !name ||
           refuse(app, request, reply, 400, "bad_query", "there is no query parameter \"%.*s\" here%s%s",
                  (int)(length < SHOWN ? length : SHOWN), name, known ? ", only " : "", known ? known : "");
}

bool admit_plain(void *self, const struct http_request *request, struct http_reply *reply)
{
    return check_query(self, request, NULL, reply);
}

bool admit_include(void *self, const struct http_request *request, struct http_reply *reply)
{
    return check_query(self, request, "include", reply);
}

bool admit_job(void *self, const struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    if (!check_query(app, request, NULL, reply))
        return false;
    if (atomic_load(&app->draining))
        return refuse(app, request, reply, 503, "closed", "the server is shutting down");
    return !jobs_are_full(app->jobs) ||
           refuse(app, request, reply, 429, "queue_full", "as many jobs wait as may; try again later");
}
