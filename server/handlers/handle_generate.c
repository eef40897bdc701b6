#include "handlers/app.h"

#include <stdio.h>
#include <string.h>

#include "api/job_encode.h"
#include "api/request_hf.h"
#include "handlers/job_events.h"
#include "handlers/native_request.h"
#include "handlers/wait_job.h"
#include "util/clock.h"

enum answer { ANSWER_JSON, ANSWER_PICTURE, ANSWER_EVENTS, ANSWER_NONE };

/* The formats of pictures, as bits, that the client would rather have than JSON, and the best of them. */
static unsigned formats_wanted(const struct http_request *request, enum ltd_picture_format *best)
{
    unsigned wanted = 0;

    *best = LTD_PICTURE_PNG;
    for (int i = 0; i < LTD_PICTURE_FORMAT_COUNT; i++) {
        const char *media = ltd_picture_format_media((enum ltd_picture_format)i);

        if (http_request_prefers(request, media, "application/json") != 1)
            continue;
        if (!wanted || http_request_prefers(request, media, ltd_picture_format_media(*best)) == 1)
            *best = (enum ltd_picture_format)i;
        wanted |= 1u << i;
    }
    return wanted;
}

static enum answer answer_wanted(const struct http_request *request)
{
    enum ltd_picture_format best;
    const bool picture = formats_wanted(request, &best) != 0;
    const char *other = picture ? ltd_picture_format_media(best) : "application/json";

    switch (http_request_prefers(request, "text/event-stream", other)) {
    case 1:
        return ANSWER_EVENTS;
    case -1: /* neither it, nor JSON */
        return ANSWER_NONE;
    default:
        return picture ? ANSWER_PICTURE : ANSWER_JSON;
    }
}

/* Hugging Face's clients read the bytes of a picture, whatever they say of what they accept; but for JSON by
 * its name. */
static enum answer answer_of_form(const struct http_request *request, bool is_hf)
{
    const char *accept = http_request_header(request, "Accept");
    const enum answer answer = answer_wanted(request);

    if (is_hf && answer == ANSWER_JSON && !(accept && strstr(accept, "json")))
        return ANSWER_PICTURE;
    return answer;
}

static void reply_bytes(const struct job_view *job, struct http_reply *reply)
{
    const struct job_image *image = &job->record.result.images[0];
    const enum ltd_picture_format format = job->record.request->form.format;

    http_reply_body(reply, 200, ltd_picture_format_media(format), blob_ref(image->file));
    http_reply_header(reply, "ETag", "\"%s\"", image->sha256);
    http_reply_header(reply, "Content-Disposition", "inline; filename=\"%llu.%s\"",
                      (unsigned long long)image->seed, ltd_picture_format_ending(format));
    http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
}

static enum http_next reply_picture(const struct app *app, const struct http_request *request,
                                    const struct job_view *job, struct http_reply *reply)
{
    const enum answer answer = answer_of_form(request, job->record.request->family == JOB_HF);

    if (answer == ANSWER_JSON && !request->at_desk && job_is_long(&job->record))
        return HTTP_DESK;
    if (answer == ANSWER_PICTURE)
        reply_bytes(job, reply);
    else
        reply_json(reply, 200, job_encode(job, app->models, true));
    return HTTP_REPLY;
}

/* The job has ended, or its time is up, or the server ends before it. */
static enum http_next finish(struct app *app, struct http_request *request, struct http_reply *reply)
{
    struct native_request native;
    struct job_view job;
    struct problem problem = {0};
    enum http_next next = HTTP_REPLY;
    enum wait_job outcome;

    native_request_prefers(app, request, &native);
    outcome = wait_job_fetch(app, request, &job, &problem);
    if (outcome == WAIT_JOB_SUCCEEDED) {
        next = reply_picture(app, request, &job, reply);
        if (next == HTTP_REPLY) {
            native_request_applied(&native, true, reply);
            wait_job_headers(&job, reply);
        }
        job_record_fini(&job.record);
    } else if (outcome == WAIT_JOB_UNFINISHED && !request->closing) {
        problem_fini(&problem);
        jobs_unwatch(app->jobs, request->note, request->ticket);
        native_request_applied(&native, true, reply);
        reply_handle(app, request, true, reply);
    } else {
        http_reply_header(reply, "X-Job-Id", "%s", request->note);
        reply_problem(app, request, &problem, reply);
    }
    return next;
}

static bool decode(const struct native_request *native, enum answer answer, struct job_request **out,
                   struct problem *problem)
{
    const bool is_hf = request_hf_is(native->document);
    char detail[96];

    if (!(is_hf ? request_hf_decode : request_decode_json)(&native->context, native->document, out, problem))
        return false;
    if (answer != ANSWER_PICTURE || (*out)->params.count == 1)
        return true;
    snprintf(detail, sizeof detail, "%s carries one picture; send 1, or ask for application/json",
             ltd_picture_format_media((*out)->form.format));
    problem_add(problem, is_hf ? "/parameters/count" : "/count", detail);
    problem_set_invalid(problem);
    job_request_unref(*out);
    return false;
}

/* Submits in the way that the answer needs; *next says how it goes on. */
static bool submit(struct app *app, struct http_request *request, const struct native_request *native,
                   enum answer answer, struct job_request *asked, struct http_reply *reply,
                   enum http_next *next, struct problem *problem)
{
    const struct job_submit how = native_request_submit(native);
    struct job_submitted submitted;

    asked->detach = native->key[0]; /* for whoever repeats the request */
    if (answer == ANSWER_EVENTS) {
        *next = HTTP_STREAM;
        return job_events_submit(app, request, asked, how, reply, problem);
    }
    if (native->respond_async && native->wait_s < 0) {
        if (!submit_job(app, request, asked, &how, &submitted, problem))
            return false;
        native_request_applied(native, false, reply);
        reply_handle(app, request, submitted.joined, reply);
        return true;
    }
    if (native->wait_s >= 0)
        reply->wait_until = clock_monotonic() + native->wait_s;
    *next = HTTP_WAIT;
    return wait_job_submit(app, request, asked, how, problem);
}

static enum http_next start(struct app *app, struct http_request *request, struct http_reply *reply)
{
    struct native_request native;
    struct job_request *asked = NULL;
    struct problem problem = {0};
    enum http_next next = HTTP_REPLY;
    enum answer answer;
    bool right;

    if (!native_request_read(app, request, &native, &problem)) {
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    answer = answer_of_form(request, request_hf_is(native.document));
    if (answer == ANSWER_PICTURE)
        native.context.formats = formats_wanted(request, &native.context.format);
    right = decode(&native, answer, &asked, &problem);
    if (right && !submit(app, request, &native, answer, asked, reply, &next, &problem)) {
        idempotency_key_conflict(native.key, &problem);
        right = false;
    }
    native_request_fini(&native);
    if (!right) {
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    return next;
}

enum http_next handle_generate(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;

    if (request->resumed)
        return finish(app, request, reply);
    if (answer_wanted(request) == ANSWER_NONE) {
        reply_error(
            app, request, reply, 406, "not_acceptable",
            "the answer is application/json, image/png, image/jpeg, image/webp or text/event-stream; Accept "
            "allows none");
        return HTTP_REPLY;
    }
    if (native_request_is_long(app, request) && !request->at_desk)
        return HTTP_DESK;
    return start(app, request, reply);
}
