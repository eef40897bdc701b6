/* fuzz_form.c - a Content-Type, a line end and any bytes: parts lie in the body, one after another, and say
 * so. */
#include "http/http_form.h"

#include <string.h>

#include "fuzz.h"

static void read_parts(const struct http_form *form, const char *body, size_t size)
{
    const char *at = body;

    PROMISE(form->count <= HTTP_FORM_MAX_PARTS && form->texts_used <= HTTP_FORM_MAX_TEXTS);
    for (size_t i = 0; i < form->count; i++) {
        const struct http_form_part *part = &form->parts[i];

        PROMISE(part->data >= at && part->size <= size - (size_t)(part->data - body));
        at = part->data + part->size;
        PROMISE(strlen(part->name) < HTTP_FORM_MAX_TEXTS);
        PROMISE(!part->filename || strlen(part->filename) < HTTP_FORM_MAX_TEXTS);
        PROMISE(!part->type || strlen(part->type) < HTTP_FORM_MAX_TEXTS);
        PROMISE(http_form_find(form, part->name));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    const size_t type_size = end ? (size_t)(end - data) : size, body_size = end ? size - type_size - 1 : 0;
    char *type = calloc(1, type_size + 1), *body = malloc(body_size ? body_size : 1);
    struct http_request request = {.headers = {{"Content-Type", type}}, .header_count = 1};
    struct http_form form;
    struct http_refusal why;

    if (type && body) {
        memcpy(type, data, type_size);
        if (body_size > 0)
            memcpy(body, end + 1, body_size);
        request.body = body_size ? body : NULL;
        request.body_size = body_size;
        if (http_form_parse(&request, &form, &why)) {
            read_parts(&form, body, body_size);
            http_form_fini(&form);
        } else {
            PROMISE(why.status == 400 && why.detail[0]);
        }
    }
    free(type);
    free(body);
    return 0;
}
