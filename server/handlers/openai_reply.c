#include "handlers/openai_reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/openai_encode.h"

/* The client library for Node obeys this many seconds, and when there are more tries again at once. */
enum { LONGEST_RETRY_S = 60 };

/* What would be the same again, and is tried again all the same unless it is told otherwise. */
static bool is_final(int status)
{
    return status == 409 || status == 500;
}

void openai_reply_problem(const struct app *app, struct problem *problem, struct http_reply *reply)
{
    int retry_s;

    if (problem->status == 429 || problem->status == 503) {
        retry_s = jobs_retry_after(app->jobs);
        http_reply_header(reply, "Retry-After", "%d", retry_s < LONGEST_RETRY_S ? retry_s : LONGEST_RETRY_S);
    } else if (is_final(problem->status)) {
        http_reply_header(reply, "x-should-retry", "false");
    }
    reply->close |= problem->status == 503 && atomic_load(&app->draining);
    http_reply_body(reply, problem->status, "application/json", json_to_blob(openai_error_encode(problem)));
    problem_fini(problem);
}

void openai_reply_error(const struct app *app, struct http_reply *reply, int status, const char *code,
                        const char *format, ...)
{
    struct problem problem = {0};
    char detail[sizeof problem.detail];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    problem_set(&problem, status, code, "%s", detail);
    openai_reply_problem(app, &problem, reply);
}

void openai_refuse(const struct app *app, const struct http_request *request,
                   const struct http_refusal *refusal, struct http_reply *reply)
{
    (void)request;
    openai_reply_error(app, reply, refusal->status, refusal->code, "%s", refusal->detail);
}
