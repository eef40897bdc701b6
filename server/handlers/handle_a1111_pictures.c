#include "api/a1111_extras.h"
#include "handlers/a1111.h"

/* Pictures are decoded at the desk. */
static enum http_next answer(const struct app *app, const struct http_request *request,
                             struct http_reply *reply, struct ltd_json *json, struct a1111_refusal *refusal)
{
    return json ? a1111_reply(request, reply, json, NULL) : a1111_reply_refusal(app, request, reply, refusal);
}

static enum http_next run_extras(const struct app *app, struct http_request *request,
                                 struct http_reply *reply, bool batch)
{
    const struct a1111_extras_limits limits = {(size_t)app->decode.limits.max_pixels,
                                               (size_t)app->decode.limits.max_count};
    struct a1111_refusal refusal = {0};
    struct ltd_json *document, *json = NULL;

    if (!request->at_desk)
        return HTTP_DESK;
    document = a1111_parse(request, &refusal);
    if (document)
        json = a1111_extras_run(document, batch, &limits, a1111_note_header, reply, &refusal);
    ltd_json_free(document);
    return answer(app, request, reply, json, &refusal);
}

enum http_next handle_a1111_extra(void *self, struct http_request *request, struct http_reply *reply)
{
    return run_extras(self, request, reply, false);
}

enum http_next handle_a1111_extra_batch(void *self, struct http_request *request, struct http_reply *reply)
{
    return run_extras(self, request, reply, true);
}

enum http_next handle_a1111_png_info(void *self, struct http_request *request, struct http_reply *reply)
{
    struct a1111_refusal refusal = {0};
    struct ltd_json *document, *json = NULL;

    if (!request->at_desk)
        return HTTP_DESK;
    document = a1111_parse(request, &refusal);
    if (document)
        json = a1111_png_info(document, &refusal);
    ltd_json_free(document);
    return answer(self, request, reply, json, &refusal);
}
