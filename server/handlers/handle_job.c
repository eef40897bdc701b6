#include "handlers/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/job_encode.h"
#include "handlers/find_job.h"
#include "handlers/wait_job.h"
#include "http/http_conditional.h"
#include "util/clock.h"
#include "util/parse_number.h"

enum { ETAG_SIZE = 48 };

bool find_job(const struct app *app, struct http_request *request, size_t param, struct job_view *job,
              struct http_reply *reply)
{
    char id[RANDOM_ID_SIZE];
    enum job_found found = JOB_UNKNOWN;

    if (http_request_param(request, param, id, sizeof id))
        found = jobs_get(app->jobs, id, job);
    if (found == JOB_FOUND)
        memcpy(request->note, id, sizeof id);
    else
        reply_absent(app, request, reply, found);
    return found == JOB_FOUND;
}

/* How GET of a job is asked for. */
struct view_query {
    bool with_images;
    double wait_s;
};

/* False: *reply says what is wrong. */
static bool read_query(const struct app *app, const struct http_request *request, struct view_query *out,
                       struct http_reply *reply)
{
    char include[32], wait[32];

    *out =
        (struct view_query){.with_images = http_request_query(request, "include", include, sizeof include)};
    if (out->with_images && strcmp(include, "b64_png") != 0) {
        reply_error(app, request, reply, 400, "bad_query", "include may be b64_png alone");
        return false;
    }
    if (!http_request_query(request, "wait", wait, sizeof wait))
        return true;
    if (parse_real(wait, &out->wait_s) && out->wait_s >= 0 && out->wait_s <= API_MAX_WAIT_S)
        return true;
    reply_error(app, request, reply, 400, "bad_query", "wait is a number of seconds from 0 to %d",
                API_MAX_WAIT_S);
    return false;
}

/* A job changes with its events, but for its position, of which only those are told who watch, and for how
 * long it may still take. */
static void name_state(char etag[ETAG_SIZE], const struct job_view *job, bool with_images)
{
    snprintf(etag, ETAG_SIZE, "%llu-%d%s", (unsigned long long)job->last_event, job->record.position,
             with_images ? "-b64" : "");
}

static enum http_next reply_view(const struct app *app, const struct http_request *request,
                                 const struct job_view *job, bool with_images, struct http_reply *reply)
{
    char etag[ETAG_SIZE];

    if (with_images && !request->at_desk && job_is_long(&job->record))
        return HTTP_DESK;
    name_state(etag, job, with_images);
    http_reply_header(reply, "ETag", "W/\"%s\"", etag);
    http_reply_header(reply, "Cache-Control", "private, no-cache");
    if (http_request_knows(request, etag))
        reply->status = 304;
    else
        reply_json(reply, 200, job_encode(job, app->models, with_images));
    return HTTP_REPLY;
}

/* Whether the client has to wait: the job goes on, and is as the client knows it, if it says what it knows.
 * False also when the job is gone by now. */
static bool watch_changes(struct app *app, const struct http_request *request, const struct job_view *job,
                          const struct view_query *query)
{
    const struct job_watch watch = {
        .notify = notify_request(request), .every_event = true, .after = job->last_event};
    char etag[ETAG_SIZE];

    name_state(etag, job, query->with_images);
    if (query->wait_s <= 0 || job_state_is_final(job->record.state) ||
        (http_request_header(request, "If-None-Match") && !http_request_knows(request, etag)))
        return false;
    return jobs_watch(app->jobs, job->record.id, &watch) == JOB_FOUND;
}

enum http_next handle_job_get(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    struct view_query query;
    struct job_view job;
    enum http_next next;

    if (request->resumed)
        jobs_unwatch(app->jobs, request->note, request->ticket);
    if (!read_query(app, request, &query, reply) || !find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    if (!request->resumed && !request->at_desk && watch_changes(app, request, &job, &query)) {
        reply->wait_until = clock_monotonic() + query.wait_s;
        next = HTTP_WAIT;
    } else {
        next = reply_view(app, request, &job, query.with_images, reply);
    }
    job_record_fini(&job.record);
    return next;
}

enum http_next handle_job_cancel(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct job_view job;

    if (!find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    job_record_fini(&job.record);
    jobs_cancel(app->jobs, request->note);
    if (!find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    reply_json(reply, 200, job_encode(&job, app->models, false));
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

enum http_next handle_job_delete(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    enum job_found found = JOB_UNKNOWN;
    char id[RANDOM_ID_SIZE];

    if (http_request_param(request, 0, id, sizeof id))
        found = jobs_remove(app->jobs, id);
    if (found == JOB_FOUND)
        reply->status = 204;
    else
        reply_absent(app, request, reply, found);
    return HTTP_REPLY;
}

enum http_next handle_job_retry(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    struct job_submit how = {0};
    struct job_submitted submitted;
    struct problem problem = {0};
    struct ltd_error error;
    enum job_found found = JOB_UNKNOWN;
    char id[RANDOM_ID_SIZE];
    enum ltd_status st = LTD_ENOTFOUND;

    if (http_request_param(request, 0, id, sizeof id))
        st = jobs_retry(app->jobs, id, &how, &submitted, &found, &error);
    if (st == LTD_OK) {
        memcpy(request->note, submitted.id, sizeof submitted.id);
        reply_handle(app, request, false, reply);
        return HTTP_REPLY;
    }
    if (found == JOB_FOUND)
        problem_from_error(&problem, &error);
    else
        problem_absent(&problem, found);
    reply_problem(app, request, &problem, reply);
    return HTTP_REPLY;
}

/* The number of an image: decimal digits, no sign, no leading zero; -1 when it is none. */
static int parse_index(const struct http_request *request)
{
    char text[8];

    if (!http_request_param(request, 1, text, sizeof text) || text[strspn(text, "0123456789")] ||
        (text[0] == '0' && text[1]))
        return -1;
    return atoi(text);
}

/* A picture of a job that still makes others; NULL: it has not come to that one. */
static struct blob *find_early_picture(const struct app *app, const char *id, int index)
{
    struct job_event event;
    struct blob *png = NULL;
    uint64_t after = 0;
    bool ended = false;

    while (!png && !ended && jobs_events(app->jobs, id, after, &event, 1, &ended) == 1) {
        after = event.number;
        if (event.type == JOB_EVENT_IMAGE && event.image == index && event.picture)
            png = blob_ref(event.picture);
        job_event_fini(&event);
    }
    return png;
}

static void reply_picture(const struct http_request *request, const struct job_record *record, int index,
                          struct blob *file, struct http_reply *reply)
{
    char digest[SHA256_TEXT_SIZE];

    sha256_text(blob_data(file), blob_size(file), digest);
    http_reply_header(reply, "Cache-Control", "private, max-age=31536000, immutable");
    http_reply_header(reply, "Content-Disposition", "inline; filename=\"%.8s-%d.%s\"", record->id, index,
                      ltd_picture_format_ending(record->request->form.format));
    http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
    http_reply_header(reply, "X-Seed", "%llu",
                      (unsigned long long)ltd_params_seed(&record->request->params, index));
    http_reply_bytes(request, reply, ltd_picture_format_media(record->request->form.format), file, digest);
}

enum http_next handle_job_image(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    const int index = parse_index(request);
    struct blob *png = NULL;
    struct job_view job;

    if (!find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    if (index >= 0 && index < job.record.result.image_count)
        png = blob_ref(job.record.result.images[index].file);
    else if (index >= 0 && job.record.state == JOB_RUNNING)
        png = find_early_picture(app, job.record.id, index);
    if (png)
        reply_picture(request, &job.record, index, png, reply);
    else if (index < 0 || index >= job.record.request->params.count)
        reply_error(app, request, reply, 404, "not_found", "the job has no such picture");
    else
        reply_error(app, request, reply, 409, "no_picture", "the job is %s; it has no pictures%s",
                    job_state_name(job.record.state), job_state_is_final(job.record.state) ? "" : " yet");
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

enum http_next handle_job_preview(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct blob *png = NULL;
    enum job_found found = JOB_UNKNOWN;
    char id[RANDOM_ID_SIZE], etag[ETAG_SIZE];
    uint64_t number = 0;

    if (http_request_param(request, 0, id, sizeof id))
        found = jobs_preview(app->jobs, id, &png, &number);
    if (found != JOB_FOUND) {
        reply_absent(app, request, reply, found);
    } else if (!png) {
        reply_error(app, request, reply, 409, "no_preview",
                    "there is no preview: the job does not run, or has not made a step since this was first "
                    "asked");
    } else {
        snprintf(etag, sizeof etag, "preview-%llu", (unsigned long long)number);
        http_reply_header(reply, "Cache-Control", "private, no-cache");
        http_reply_bytes(request, reply, "image/png", png, etag);
    }
    return HTTP_REPLY;
}
