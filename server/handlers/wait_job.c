#include "handlers/wait_job.h"

#include <string.h>

#include "api/job_encode.h"
#include "http/httpd.h"

static void wake(void *httpd, uint64_t ticket)
{
    httpd_wake(httpd, ticket);
}

struct job_notify notify_request(const struct http_request *request)
{
    return (struct job_notify){wake, request->httpd, request->ticket};
}

bool submit_job(struct app *app, struct http_request *request, struct job_request *asked,
                const struct job_submit *how, struct job_submitted *submitted, struct problem *problem)
{
    struct ltd_error error;
    const enum ltd_status st = jobs_submit(app->jobs, asked, how, submitted, &error);

    job_request_unref(asked);
    if (st == LTD_OK)
        memcpy(request->note, submitted->id, sizeof submitted->id);
    else
        problem_from_error(problem, &error);
    return st == LTD_OK;
}

bool wait_job_submit(struct app *app, struct http_request *request, struct job_request *asked,
                     struct job_submit how, struct problem *problem)
{
    const struct job_watch watch = {.notify = notify_request(request), .wants_job = true};
    struct job_submitted submitted;

    how.watch = &watch;
    return submit_job(app, request, asked, &how, &submitted, problem);
}

void problem_absent(struct problem *problem, enum job_found found)
{
    if (found == JOB_EXPIRED)
        problem_set(problem, 410, "expired", "the job has ended, and is no longer kept");
    else if (found == JOB_NO_MEMORY)
        problem_set(problem, 503, "no_memory", "no memory for the answer; try again later");
    else
        problem_set(problem, 404, "not_found", "there is no such job");
}

enum wait_job wait_job_fetch(const struct app *app, const struct http_request *request, struct job_view *job,
                             struct problem *problem)
{
    const enum job_found found = jobs_get(app->jobs, request->note, job);
    enum wait_job outcome = WAIT_JOB_FAILED;

    if (found != JOB_FOUND) {
        problem_absent(problem, found);
        return WAIT_JOB_FAILED;
    }
    if (job->record.state == JOB_SUCCEEDED)
        return WAIT_JOB_SUCCEEDED;
    if (job_state_is_final(job->record.state)) {
        problem_from_error(problem, &job->record.result.error);
    } else {
        outcome = WAIT_JOB_UNFINISHED;
        problem_set(problem, 503, "closed", "the server is shutting down");
    }
    job_record_fini(&job->record);
    return outcome;
}

static void add_warnings(const struct job_request *asked, struct http_reply *reply)
{
    const size_t room = HTTP_MAX_REPLY_HEADERS - reply->header_count;
    const size_t told = asked->warning_count <= room ? asked->warning_count : room - 1;

    for (size_t i = 0; i < told; i++)
        http_reply_header(reply, "X-Latentd-Warning", "%s%s%s", asked->warnings[i].field,
                          *asked->warnings[i].field ? ": " : "", asked->warnings[i].message);
    if (told < asked->warning_count)
        http_reply_header(reply, "X-Latentd-Warning", "and %zu more, which the answer in JSON has",
                          asked->warning_count - told);
}

void wait_job_headers(const struct job_view *job, struct http_reply *reply)
{
    const struct job_record *record = &job->record;

    http_reply_header(reply, "X-Job-Id", "%s", record->id);
    if (!record->request->upscales)
        http_reply_header(reply, "X-Seed", "%llu", (unsigned long long)record->request->params.seed);
    http_reply_header(reply, "Location", "/api/v1/jobs/%s", record->id);
    add_warnings(record->request, reply);
}

void reply_handle(const struct app *app, const struct http_request *request, bool ended,
                  struct http_reply *reply)
{
    struct job_view job;
    const enum job_found found = jobs_get(app->jobs, request->note, &job);

    if (found != JOB_FOUND) {
        reply_absent(app, request, reply, found);
        return;
    }
    reply_json(reply, ended && job_state_is_final(job.record.state) ? 200 : 202,
               job_encode(&job, app->models, false));
    wait_job_headers(&job, reply);
    job_record_fini(&job.record);
}
