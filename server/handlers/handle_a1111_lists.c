#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "api/a1111_controlnet.h"
#include "api/a1111_extras.h"
#include "api/a1111_sampling.h"
#include "handlers/a1111.h"

/* What is asked for and is never anything else here: there are no such things, or there is nothing to do. */
static const struct {
    const char *path, *json;
} constants[] = {
    {"/sdapi/v1/latent-upscale-modes",
     "[{\"name\": \"Latent\"}, {\"name\": \"Latent (antialiased)\"}, {\"name\": \"Latent (nearest)\"}]"},
    {"/sdapi/v1/sd-modules", "[]"},
    {"/sdapi/v1/hypernetworks", "[]"},
    {"/sdapi/v1/face-restorers", "[]"},
    {"/sdapi/v1/realesrgan-models", "[]"},
    {"/sdapi/v1/prompt-styles", "[]"},
    {"/sdapi/v1/script-info", "[]"},
    {"/sdapi/v1/extensions", "[]"},
    {"/sdapi/v1/scripts", "{\"txt2img\": [\"controlnet\"], \"img2img\": [\"controlnet\"]}"},
    {"/controlnet/version", "{\"version\": 2}"},
    {"/sdapi/v1/refresh-loras", "null"},
    {"/sdapi/v1/refresh-vae", "null"},
    {"/sdapi/v1/refresh-checkpoints", "null"},
    {"/sdapi/v1/reload-checkpoint", "{}"},
    {"/sdapi/v1/cmd-flags", "{\"api\": true, \"nowebui\": true, \"use_cpu\": [\"all\"], \"no_half\": true}"},
    {"/internal/ping", "{}"},
};

enum http_next handle_a1111_constant(void *self, struct http_request *request, struct http_reply *reply)
{
    struct ltd_json *json = NULL;
    size_t i = 0;
    enum ltd_status st;

    (void)self;
    while (i < sizeof constants / sizeof constants[0] && strcmp(constants[i].path, request->path) != 0)
        i++;
    assert(i < sizeof constants / sizeof constants[0]); /* each route has a row */
    st = ltd_json_parse(constants[i].json, strlen(constants[i].json), &ltd_json_request_limits, &json, NULL);
    return a1111_reply(request, reply, st == LTD_OK ? json : NULL, NULL);
}

enum http_next handle_a1111_samplers(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    return a1111_reply(request, reply, a1111_samplers_encode(), NULL);
}

enum http_next handle_a1111_schedulers(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    return a1111_reply(request, reply, a1111_schedulers_encode(), NULL);
}

enum http_next handle_a1111_upscalers(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    return a1111_reply(request, reply, a1111_upscalers_encode(app->models->upscalers), NULL);
}

enum http_next handle_a1111_models(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_catalog catalog = a1111_catalog(self);

    return a1111_reply(request, reply, a1111_models_encode(&catalog), NULL);
}

enum http_next handle_a1111_vaes(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_catalog catalog = a1111_catalog(self);

    return a1111_reply(request, reply, a1111_vaes_encode(&catalog), NULL);
}

enum http_next handle_a1111_embeddings(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_catalog catalog = a1111_catalog(self);
    const struct a1111_settings settings = a1111_settings_get(self);

    return a1111_reply(request, reply, a1111_embeddings_encode(&catalog, settings.model), NULL);
}

enum http_next handle_a1111_loras(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_catalog catalog = a1111_catalog(self);
    const struct a1111_settings settings = a1111_settings_get(self);

    return a1111_reply(request, reply, a1111_loras_encode(&catalog, settings.model), NULL);
}

enum http_next handle_a1111_control_nets(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_settings settings = a1111_settings_get(self);
    const struct app *app = self;

    return a1111_reply(request, reply, a1111_controlnet_models(model_set_shapes(app->models, settings.model)),
                       "update");
}

enum http_next handle_a1111_modules(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    return a1111_reply(request, reply, a1111_controlnet_modules(), "alias_names");
}

/* Bytes of this process in memory; 0 when the system does not tell. */
static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (file && fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

enum http_next handle_a1111_memory(void *self, struct http_request *request, struct http_reply *reply)
{
    struct ltd_json *json = ltd_json_new_object(), *ram = ltd_json_new_object(),
                    *cuda = ltd_json_new_object();
    struct sysinfo info = {.mem_unit = 1};
    const double used = resident_bytes();
    double total;

    (void)self;
    sysinfo(&info);
    total = (double)info.totalram * info.mem_unit;
    ltd_json_add(ram, "free", ltd_json_new_number(total - used));
    ltd_json_add(ram, "used", ltd_json_new_number(used));
    ltd_json_add(ram, "total", ltd_json_new_number(total));
    ltd_json_add(cuda, "error", ltd_json_new_string("unavailable"));
    ltd_json_add(json, "ram", ram);
    ltd_json_add(json, "cuda", cuda);
    return a1111_reply(request, reply, json, NULL);
}
