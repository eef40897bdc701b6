#include "handlers/app.h"

#include "api/job_encode.h"
#include "api/model_encode.h"
#include "util/model_path.h"

enum http_next handle_models(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    (void)request;
    reply_json(reply, 200, models_encode(app->models));
    return HTTP_REPLY;
}

enum http_next handle_upscalers(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    (void)request;
    reply_json(reply, 200, upscalers_encode(app->models->upscalers));
    return HTTP_REPLY;
}

enum http_next handle_model(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    char name[MODEL_NAME_SIZE];
    const int found =
        http_request_param(request, 0, name, sizeof name) ? model_set_find(app->models, name) : -1;
    const struct ltd_model *model;
    struct problem problem = {0};
    struct ltd_error error;

    if (found >= 0 && !model_set_shapes(app->models, (size_t)found) && !request->at_desk)
        return HTTP_DESK;
    if (found >= 0 && model_set_ask(app->models, (size_t)found, &model, &error) == LTD_OK) {
        reply_json(reply, 200, model_encode(app->models, (size_t)found));
    } else if (found >= 0) {
        problem_from_error(&problem, &error);
        reply_problem(app, request, &problem, reply);
    } else {
        reply_error(app, request, reply, 404, "not_found",
                    "no model of that name is served; GET /api/v1/models lists those that are");
    }
    return HTTP_REPLY;
}

enum http_next handle_queue(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct job_queue_view queue;

    (void)request;
    jobs_queue(app->jobs, &queue);
    reply_json(reply, 200, queue_encode(&queue));
    return HTTP_REPLY;
}

static struct ltd_json *status_json(const char *status)
{
    struct ltd_json *json = ltd_json_new_object();

    ltd_json_add(json, "status", ltd_json_new_string(status));
    return json;
}

enum http_next handle_healthz(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self, (void)request;
    reply_json(reply, 200, status_json("ok"));
    return HTTP_REPLY;
}

enum http_next handle_readyz(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    const bool draining = atomic_load(&app->draining);
    struct ltd_json *json, *checks = ltd_json_new_object();
    struct problem problem = {0};

    problem_set(&problem, 503, "closed", "the server is shutting down");
    json = draining ? problem_encode(&problem, request->request_id) : status_json("ready");
    ltd_json_add(checks, "models", ltd_json_new_string("ok")); /* without one there is no server */
    ltd_json_add(checks, "queue", ltd_json_new_string(jobs_are_full(app->jobs) ? "full" : "ok"));
    ltd_json_add(checks, "accepting", ltd_json_new_string(draining ? "draining" : "ok"));
    ltd_json_add(json, "checks", checks);
    if (!draining) {
        reply_json(reply, 200, json);
        return HTTP_REPLY;
    }
    http_reply_header(reply, "Retry-After", "%d", jobs_retry_after(app->jobs));
    reply->close = true;
    http_reply_body(reply, 503, PROBLEM_TYPE, json_to_blob(json));
    return HTTP_REPLY;
}

enum http_next handle_version(void *self, struct http_request *request, struct http_reply *reply)
{
    struct ltd_json *json = ltd_json_new_object();
    char build[LTD_BUILD_TEXT_SIZE];

    (void)self, (void)request;
    ltd_build_text(build);
    ltd_json_add(json, "name", ltd_json_new_string("latentd"));
    ltd_json_add(json, "version", ltd_json_new_string(LATENTD_VERSION));
    ltd_json_add(json, "build", ltd_json_new_string(build));
    ltd_json_add(json, "isa", ltd_json_new_string(ltd_isa_name()));
    reply_json(reply, 200, json);
    return HTTP_REPLY;
}
