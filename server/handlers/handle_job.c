#include "handlers/app.h"

#include <stdlib.h>
#include <string.h>

#include "api/job_encode.h"

/* Finds the job that the path names and notes it for the log.  False: *reply says that it is not there. */
static bool find_job(const struct app *app, struct http_request *request, struct job_view *job,
                     struct http_reply *reply)
{
    char id[RANDOM_ID_SIZE];
    enum job_found found = JOB_UNKNOWN;

    if (http_request_param(request, 0, id, sizeof id))
        found = jobs_get(app->jobs, id, job);
    if (found == JOB_FOUND)
        memcpy(request->note, id, sizeof id);
    else
        reply_absent(app, request, reply, found);
    return found == JOB_FOUND;
}

enum http_next handle_job_get(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct job_view job;
    char include[32] = "";
    const bool asked = http_request_query(request, "include", include, sizeof include);

    if (asked && strcmp(include, "b64_png") != 0) {
        reply_error(app, request, reply, 400, "bad_query", "include may be b64_png alone");
        return HTTP_REPLY;
    }
    if (!find_job(app, request, &job, reply))
        return HTTP_REPLY;
    if (asked && !request->at_desk && job_is_long(&job.record)) {
        job_record_fini(&job.record);
        return HTTP_DESK;
    }
    http_reply_header(reply, "Cache-Control", "no-store");
    reply_json(reply, 200, job_encode(&job, app->models, asked));
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

enum http_next handle_job_cancel(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct job_view job;
    enum job_found found;

    if (!find_job(app, request, &job, reply))
        return HTTP_REPLY;
    job_record_fini(&job.record);
    jobs_cancel(app->jobs, request->note);
    found = jobs_get(app->jobs, request->note, &job);
    if (found != JOB_FOUND) {
        reply_absent(app, request, reply, found);
        return HTTP_REPLY;
    }
    reply_json(reply, 200, job_encode(&job, app->models, false));
    job_record_fini(&job.record);
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

enum http_next handle_job_image(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    const int index = parse_index(request);
    struct job_view job;

    if (!find_job(app, request, &job, reply))
        return HTTP_REPLY;
    if (index < 0 || index >= job.record.request->params.count) {
        reply_error(app, request, reply, 404, "not_found", "the job has no such picture");
    } else if (index >= job.record.result.image_count) {
        reply_error(app, request, reply, 409, "no_picture", "the job is %s; it has no pictures%s",
                    job_state_name(job.record.state), job_state_is_final(job.record.state) ? "" : " yet");
    } else {
        http_reply_header(reply, "Cache-Control", "private, max-age=31536000, immutable");
        http_reply_header(reply, "Content-Disposition", "inline; filename=\"%.8s-%d.png\"", job.record.id,
                          index);
        http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
        http_reply_body(reply, 200, "image/png", blob_ref(job.record.result.images[index].png));
    }
    job_record_fini(&job.record);
    return HTTP_REPLY;
}
