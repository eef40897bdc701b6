#include "handlers/app.h"

#include <string.h>

#include "handlers/openapi.h"
#include "handlers/route_table.h"
#include "http/http_conditional.h"

enum http_next handle_openapi(void *self, struct http_request *request, struct http_reply *reply)
{
    if (!request->at_desk)
        return HTTP_DESK;
    http_reply_header(reply, "Cache-Control", "no-cache");
    reply_json(reply, 200, openapi_encode(self));
    return HTTP_REPLY;
}

enum http_next handle_well_known(void *self, struct http_request *request, struct http_reply *reply)
{
    static const struct {
        const char *name, *path;
    } urls[] = {{"generate", "/api/v1/generate"},
                {"estimate", "/api/v1/estimate"},
                {"jobs", "/api/v1/jobs"},
                {"queue", "/api/v1/queue"},
                {"models", "/api/v1/models"},
                {"inspect", "/api/v1/inspect"},
                {"capabilities", "/api/v1/capabilities"},
                {"openapi", "/openapi.json"},
                {"health", "/healthz"},
                {"ready", "/readyz"}};
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_object();

    (void)self, (void)request;
    ltd_json_add(json, "name", ltd_json_new_string("latentd"));
    ltd_json_add(json, "version", ltd_json_new_string(LATENTD_VERSION));
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        ltd_json_add(list, urls[i].name, ltd_json_new_string(urls[i].path));
    ltd_json_add(json, "urls", list);
    reply_json(reply, 200, json);
    return HTTP_REPLY;
}

enum http_next handle_capabilities(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    (void)request;
    reply_json(reply, 200, capabilities_encode(&app->decode, &app->limits));
    return HTTP_REPLY;
}
