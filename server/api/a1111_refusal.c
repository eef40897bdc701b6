#include "api/a1111_refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ITEMS = 64 };

void a1111_refusal_fini(struct a1111_refusal *refusal)
{
    ltd_json_free(refusal->items);
    *refusal = (struct a1111_refusal){0};
}

void a1111_refuse_all(struct a1111_refusal *refusal, int status, const char *code, const char *format, ...)
{
    va_list arguments;

    if (refusal->code)
        return;
    refusal->status = status;
    refusal->code = code;
    va_start(arguments, format);
    vsnprintf(refusal->detail, sizeof refusal->detail, format, arguments);
    va_end(arguments);
}

/* "a/b" as ["body", "a", "b"]. */
static struct ltd_json *encode_place(const char *place)
{
    struct ltd_json *loc = ltd_json_new_array();

    ltd_json_append(loc, ltd_json_new_string("body"));
    while (*place) {
        const size_t length = strcspn(place, "/");
        char part[128];

        snprintf(part, sizeof part, "%.*s", (int)length, place);
        ltd_json_append(loc, ltd_json_new_string(part));
        place += length;
        place += *place == '/';
    }
    return loc;
}

void a1111_refuse_value(struct a1111_refusal *refusal, const char *place, const char *type,
                        const char *format, ...)
{
    struct ltd_json *item;
    char message[512];
    va_list arguments;

    if (!refusal->code)
        refusal->status = 422;
    if (refusal->count++ >= MOST_ITEMS)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!refusal->items)
        refusal->items = ltd_json_new_array();
    item = ltd_json_new_object();
    ltd_json_add(item, "loc", encode_place(place));
    ltd_json_add(item, "msg", ltd_json_new_string(message));
    ltd_json_add(item, "type", ltd_json_new_string(type));
    ltd_json_append(refusal->items, item);
}

void a1111_refuse_problem(struct a1111_refusal *refusal, const struct problem *problem,
                          const char *(*place_of)(const char *pointer))
{
    const struct ltd_json *error = ltd_json_first(problem->errors);

    if (!error || problem->status != 422) {
        a1111_refuse_all(refusal, problem->status, problem->code, "%s", problem->detail);
        return;
    }
    for (; error; error = ltd_json_next(error)) {
        const char *pointer = ltd_json_string(ltd_json_get(error, "pointer"));
        const char *place = place_of ? place_of(pointer) : NULL;

        a1111_refuse_value(refusal,
                           place             ? place
                           : *pointer == '/' ? pointer + 1
                                             : pointer,
                           "value_error", "%s", ltd_json_string(ltd_json_get(error, "detail")));
    }
}

struct ltd_json *a1111_refusal_encode(struct a1111_refusal *refusal)
{
    struct ltd_json *json = ltd_json_new_object();

    if (!refusal->code) {
        ltd_json_add(json, "detail", refusal->items);
        refusal->items = NULL;
        return json;
    }
    ltd_json_add(json, "error", ltd_json_new_string("HTTPException"));
    ltd_json_add(json, "detail", ltd_json_new_string(refusal->detail));
    ltd_json_add(json, "body", ltd_json_new_string(""));
    ltd_json_add(json, "errors", ltd_json_new_string(refusal->code));
    return json;
}
