#include "handlers/app.h"

#include "api/job_encode.h"

enum http_next handle_models(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    (void)request;
    reply_json(reply, 200, models_encode(app->models));
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

    if (atomic_load(&app->draining))
        reply_error(app, request, reply, 503, "closed", "the server is shutting down");
    else
        reply_json(reply, 200, status_json("ready"));
    return HTTP_REPLY;
}

enum http_next handle_version(void *self, struct http_request *request, struct http_reply *reply)
{
    struct ltd_json *json = ltd_json_new_object();

    (void)self, (void)request;
    ltd_json_add(json, "name", ltd_json_new_string("latentd"));
    ltd_json_add(json, "version", ltd_json_new_string(LATENTD_VERSION));
    ltd_json_add(json, "isa", ltd_json_new_string(ltd_isa_name()));
    reply_json(reply, 200, json);
    return HTTP_REPLY;
}
