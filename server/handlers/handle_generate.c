#include "handlers/app.h"

#include <stdio.h>
#include <string.h>

#include "api/job_encode.h"
#include "http/httpd.h"

enum { LONG_BODY = 64 * 1024 };

enum answer { ANSWER_JSON, ANSWER_PNG, ANSWER_NONE = -1 };

static enum answer answer_wanted(const struct http_request *request)
{
    return (enum answer)http_request_prefers(request, "image/png", "application/json");
}

/* As many as there is room for, which is taken to be all that is left in *reply. */
static void add_warnings(const struct job_request *asked, struct http_reply *reply)
{
    const size_t room = HTTP_MAX_REPLY_HEADERS - reply->header_count;
    const size_t told = asked->warning_count <= room ? asked->warning_count : room - 1;

    for (size_t i = 0; i < told; i++)
        http_reply_header(reply, "X-Latentd-Warning", "%s: %s", asked->warnings[i].field,
                          asked->warnings[i].message);
    if (told < asked->warning_count)
        http_reply_header(reply, "X-Latentd-Warning", "and %zu more, which the answer in JSON has",
                          asked->warning_count - told);
}

static void reply_png(const struct job_record *record, struct http_reply *reply)
{
    const struct job_request *asked = record->request;
    const struct job_image *image = &record->result.images[0];

    http_reply_header(reply, "X-Latentd-Job", "%s", record->id);
    http_reply_header(reply, "X-Latentd-Seed", "%llu", (unsigned long long)image->seed);
    http_reply_header(reply, "Content-Disposition", "inline; filename=\"%llu.png\"",
                      (unsigned long long)image->seed);
    http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
    add_warnings(asked, reply);
    http_reply_body(reply, 200, "image/png", blob_ref(image->png));
}

/* The job has ended, or the server ends before it. */
static enum http_next finish(const struct app *app, struct http_request *request, struct http_reply *reply)
{
    struct job_view job;
    struct problem problem = {0};
    const enum job_found found = jobs_get(app->jobs, request->note, &job);

    if (found != JOB_FOUND) {
        reply_absent(app, request, reply, found);
        return HTTP_REPLY;
    }
    if (answer_wanted(request) == ANSWER_JSON && !request->at_desk && job_is_long(&job.record)) {
        job_record_fini(&job.record);
        return HTTP_DESK;
    }
    if (!job_state_is_final(job.record.state)) {
        reply_error(app, request, reply, 503, "closed", "the server is shutting down");
    } else if (job.record.state != JOB_SUCCEEDED) {
        problem_from_error(&problem, &job.record.result.error);
        http_reply_header(reply, "X-Latentd-Job", "%s", job.record.id);
        reply_problem(app, request, &problem, reply);
    } else if (answer_wanted(request) == ANSWER_PNG) {
        reply_png(&job.record, reply);
    } else {
        reply_json(reply, 200, job_encode(&job, app->models, true));
    }
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

/* One door for both routes that make a job.  False: *reply says why there is none. */
static bool submit(struct app *app, struct http_request *request, bool one_picture,
                   const struct job_watch *watch, struct http_reply *reply)
{
    struct job_request *asked = NULL;
    struct problem problem = {0};
    const struct job_submit how = {.watch = watch};
    struct job_submitted submitted;
    struct ltd_error error;
    enum ltd_status st;

    if (!request_decode(&app->decode, request->body, request->body_size, &asked, &problem)) {
        reply_problem(app, request, &problem, reply);
        return false;
    }
    if (one_picture && asked->params.count > 1) {
        job_request_unref(asked);
        problem_add(&problem, "/count", "image/png carries one picture; send 1, or ask for application/json");
        problem_set_invalid(&problem);
        reply_problem(app, request, &problem, reply);
        return false;
    }
    st = jobs_submit(app->jobs, asked, &how, &submitted, &error);
    job_request_unref(asked);
    if (st == LTD_OK) {
        memcpy(request->note, submitted.id, sizeof submitted.id);
        return true;
    }
    problem_from_error(&problem, &error);
    reply_problem(app, request, &problem, reply);
    return false;
}

/* A body whose scan may take more than a moment, or which has a picture: few bytes of PNG can be many pixels.
 */
static bool body_is_long(const struct http_request *request)
{
    static const char image[] = "\"image\"";

    return request->body_size > LONG_BODY ||
           (request->body && memmem(request->body, request->body_size, image, sizeof image - 1));
}

static void wake(void *httpd, uint64_t ticket)
{
    httpd_wake(httpd, ticket);
}

enum http_next handle_generate(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    const enum answer answer = answer_wanted(request);
    const struct job_watch watch = {.notify = {wake, request->httpd, request->ticket}, .wants_job = true};

    if (request->resumed)
        return finish(app, request, reply);
    if (answer == ANSWER_NONE) {
        reply_error(app, request, reply, 406, "not_acceptable",
                    "the answer is application/json or image/png; Accept allows neither");
        return HTTP_REPLY;
    }
    if (body_is_long(request) && !request->at_desk)
        return HTTP_DESK;
    return submit(app, request, answer == ANSWER_PNG, &watch, reply) ? HTTP_WAIT : HTTP_REPLY;
}

enum http_next handle_job_create(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    struct job_view job;

    if (body_is_long(request) && !request->at_desk)
        return HTTP_DESK;
    if (!submit(app, request, false, NULL, reply))
        return HTTP_REPLY;
    if (jobs_get(app->jobs, request->note, &job) != JOB_FOUND) {
        reply_absent(app, request, reply, JOB_EXPIRED);
        return HTTP_REPLY;
    }
    http_reply_header(reply, "Location", "/api/v1/jobs/%s", job.record.id);
    reply_json(reply, 202, job_encode(&job, app->models, false));
    job_record_fini(&job.record);
    return HTTP_REPLY;
}
