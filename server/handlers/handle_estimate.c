#include "handlers/app.h"

#include "api/job_encode.h"
#include "api/request_hf.h"
#include "handlers/native_request.h"

static bool estimate(const struct app *app, const struct native_request *native, struct ltd_json **out,
                     struct problem *problem)
{
    const bool is_hf = request_hf_is(native->document);
    struct job_request *asked = NULL;
    struct job_estimate told;
    struct ltd_error error;
    enum ltd_status st;

    if (!(is_hf ? request_hf_decode : request_decode_json)(&native->context, native->document, &asked,
                                                           problem))
        return false;
    st = jobs_estimate(app->jobs, asked, &told, &error);
    if (st == LTD_OK)
        *out = estimate_encode(&told, asked, app->models);
    else
        problem_from_error(problem, &error);
    job_request_unref(asked);
    return st == LTD_OK;
}

enum http_next handle_estimate(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct native_request native;
    struct problem problem = {0};
    struct ltd_json *json = NULL;

    if (native_request_is_long(app, request) && !request->at_desk)
        return HTTP_DESK;
    if (!native_request_read(app, request, &native, &problem)) {
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    native.respond_async = false; /* nothing is left to be done later */
    if (estimate(app, &native, &json, &problem)) {
        native_request_applied(&native, false, reply);
        reply_json(reply, 200, json);
    } else {
        reply_problem(app, request, &problem, reply);
    }
    native_request_fini(&native);
    return HTTP_REPLY;
}
