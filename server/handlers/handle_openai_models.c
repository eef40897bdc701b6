#include "handlers/openai_reply.h"

#include "api/openai_encode.h"
#include "util/model_path.h"

enum http_next handle_openai_models(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    (void)request;
    reply_json(reply, 200, openai_models_encode(app->models, app->started_s));
    return HTTP_REPLY;
}

enum http_next handle_openai_model(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    char name[MODEL_NAME_SIZE];
    const int found =
        http_request_param(request, 0, name, sizeof name) ? model_set_find(app->models, name) : -1;

    if (found >= 0)
        reply_json(reply, 200, openai_model_encode(app->models, (size_t)found, app->started_s));
    else
        openai_reply_error(app, reply, 404, "model_not_found",
                           "there is no model of that name here; GET /v1/models lists what there is");
    return HTTP_REPLY;
}
