#include "handlers/app.h"

#include "api/job_encode.h"
#include "handlers/native_request.h"

static void reply_estimate(const struct app *app, const struct http_request *request,
                           struct job_request *asked, struct http_reply *reply)
{
    struct job_estimate estimate;
    struct problem problem = {0};
    struct ltd_error error;

    if (jobs_estimate(app->jobs, asked, &estimate, &error) == LTD_OK) {
        reply_json(reply, 200, estimate_encode(&estimate, asked, app->models));
    } else {
        problem_from_error(&problem, &error);
        reply_problem(app, request, &problem, reply);
    }
}

enum http_next handle_estimate(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct native_request native = {0};
    struct job_request *asked = NULL;
    struct problem problem = {0};

    if (native_request_is_long(request) && !request->at_desk)
        return HTTP_DESK;
    if (native_request_read(app, request, &native, &problem) &&
        request_decode_json(&native.context, native.document, &asked, &problem)) {
        native_request_applied(&native, false, reply);
        reply_estimate(app, request, asked, reply);
    } else {
        reply_problem(app, request, &problem, reply);
    }
    job_request_unref(asked);
    native_request_fini(&native);
    return HTTP_REPLY;
}
