#include "handlers/app.h"

#include <stdlib.h>
#include <string.h>

#include "api/inspect_picture.h"
#include "api/request_image.h"

enum { LONG_BODY = 64 * 1024 };

/* The bytes of the picture: the body itself, or what a JSON body has in base64, which *owned then holds. */
static bool find_bytes(const struct http_request *request, uint8_t **owned, const void **data, size_t *size,
                       struct problem *problem)
{
    struct ltd_json *document = NULL;
    const struct ltd_json *image;
    struct ltd_error error;
    bool right = false;

    *data = request->body ? request->body : "";
    *size = request->body_size;
    if (!http_request_type_is(request, "application/json"))
        return true;
    if (!request_parse(request->body, request->body_size, &document, problem))
        return false;
    image = ltd_json_get(document, "image");
    if (ltd_json_type(document) != LTD_JSON_OBJECT || ltd_json_size(document) != 1 ||
        ltd_json_type(image) != LTD_JSON_STRING) {
        problem_add(problem, image ? "/image" : "",
                    "send {\"image\": BASE64}, or the bytes of a PNG, JPEG or WebP");
        problem_set_invalid(problem);
    } else if (request_image_bytes(ltd_json_string(image), owned, size, &error) != LTD_OK) {
        problem_add(problem, "/image", error.message);
        problem_set_invalid(problem);
    } else {
        *data = *owned;
        right = true;
    }
    ltd_json_free(document);
    return right;
}

enum http_next handle_inspect(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct problem problem = {0};
    struct ltd_json *json = NULL;
    uint8_t *owned = NULL;
    const void *data;
    size_t size;

    if (request->body_size > LONG_BODY && !request->at_desk)
        return HTTP_DESK;
    if (find_bytes(request, &owned, &data, &size, &problem) &&
        inspect_picture(app->models, data, size, &json, &problem))
        reply_json(reply, 200, json);
    else
        reply_problem(app, request, &problem, reply);
    free(owned);
    return HTTP_REPLY;
}
