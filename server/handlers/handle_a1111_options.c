#include "handlers/a1111.h"

enum http_next handle_a1111_options_get(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct a1111_settings settings = a1111_settings_get(self);
    const struct a1111_catalog catalog = a1111_catalog(self);

    return a1111_reply(request, reply, a1111_options_encode(&settings, &catalog), NULL);
}

enum http_next handle_a1111_options_set(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    struct a1111_settings settings = a1111_settings_get(app);
    const struct a1111_catalog catalog = a1111_catalog(app);
    struct a1111_refusal refusal = {0};
    struct ltd_json *document;

    if (a1111_body_is_long(app, request) && !request->at_desk)
        return HTTP_DESK;
    document = a1111_parse(request, &refusal);
    if (document && ltd_json_type(document) != LTD_JSON_OBJECT)
        a1111_refuse_value(&refusal, "", "type_error.dict", "is %s; send an object",
                           ltd_json_type_name(ltd_json_type(document)));
    else if (document)
        a1111_settings_take(&settings, document, A1111_STANDING, "", &catalog, a1111_note_header, reply,
                            &refusal);
    if (!document || refusal.status != 0) {
        ltd_json_free(document);
        return a1111_reply_refusal(app, request, reply, &refusal);
    }
    ltd_json_free(document);
    a1111_settings_set(app, &settings);
    return a1111_reply(request, reply, ltd_json_new_null(), NULL);
}

/* The model that requests of this family draw with, unless a job does; the next one loads it again. */
enum http_next handle_a1111_unload(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;

    if (!request->at_desk)
        return HTTP_DESK;
    model_set_unload(app->models, a1111_settings_get(app).model);
    return a1111_reply(request, reply, ltd_json_new_object(), NULL);
}
