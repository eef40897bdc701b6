#include "handlers/app.h"

#include <stdarg.h>
#include <stdio.h>

#include "handlers/wait_job.h"

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
    struct problem problem = {0};

    problem_absent(&problem, found);
    reply_problem(app, request, &problem, reply);
}

bool job_is_long(const struct job_record *record)
{
    size_t bytes = 0;

    for (int i = 0; i < record->result.image_count; i++)
        bytes += blob_size(record->result.images[i].file);
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
        [FAMILY_A1111] = a1111_refuse,
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

void app_done(void *self, const struct http_request *request, const struct http_route *route, int status,
              double seconds, size_t sent)
{
    const struct app *app = self;

    metrics_request(app->metrics, request->method, route, status, seconds, sent);
}

/* A refusal that is counted, in the form of the request's family; false. */
static bool refuse(const struct app *app, const struct http_request *request, struct http_reply *reply,
                   enum ltd_status why, int status, const char *detail)
{
    struct http_refusal refusal = {0};

    metrics_rejected(app->metrics, why);
    http_refuse(&refusal, status, ltd_status_name(why), "%s", detail);
    app_refuse((void *)(uintptr_t)app, request, &refusal, reply);
    return false;
}

bool admit_job(void *self, const struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    if (atomic_load(&app->draining))
        return refuse(app, request, reply, LTD_ECLOSED, 503, "the server is shutting down");
    return !jobs_are_full(app->jobs) || http_request_header(request, "Idempotency-Key") ||
           refuse(app, request, reply, LTD_EFULL, 429, "as many jobs wait as may; try again later");
}
