#include "handlers/openai_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/base64.h"

enum { MAX_NAME = 128 };

static struct ltd_json *read_file(const struct http_form_part *part)
{
    char *text = base64_encode_new(part->data, part->size);
    struct ltd_json *json = text ? ltd_json_new_string(text) : NULL;

    free(text);
    return json;
}

/* *is_text: whether the string is what was sent, and not mended. */
static struct ltd_json *read_text(const struct http_form_part *part, bool *is_text)
{
    char *text = strndup(part->data, part->size);
    struct ltd_json *json = text ? ltd_json_new_string(text) : NULL;
    const char *kept = ltd_json_string(json);

    *is_text = !kept || (strlen(kept) == part->size && memcmp(kept, part->data, part->size) == 0);
    free(text);
    return json;
}

/* Adds what is wrong with a part. */
static void find(struct problem *problem, const char *name, const char *detail)
{
    char pointer[MAX_NAME + 2];

    snprintf(pointer, sizeof pointer, "/%s", name);
    problem_add(problem, pointer, detail);
    problem_set(problem, 400, "invalid_value", "%d parts of the form are wrong", problem->error_count);
}

/* False without memory. */
static bool read_part(const struct http_form_part *part, struct ltd_json *object, struct problem *problem)
{
    const size_t length = strlen(part->name);
    const size_t kept = length > 2 && strcmp(part->name + length - 2, "[]") == 0 ? length - 2 : length;
    bool is_text = true;
    struct ltd_json *value;
    char name[MAX_NAME];

    snprintf(name, sizeof name, "%.*s", (int)(kept < MAX_NAME ? kept : MAX_NAME), part->name);
    if (ltd_json_get(object, name)) {
        find(problem, name,
             part->filename ? "is there twice; one picture is drawn over: send one"
                            : "is there twice; send it once");
        return true;
    }
    value = part->filename ? read_file(part) : read_text(part, &is_text);
    if (value && !is_text)
        find(problem, name, "is no UTF-8 text");
    if (!value)
        return false;
    ltd_json_add(object, name, value);
    return true;
}

bool openai_form_read(const struct http_form *form, struct ltd_json **out, struct problem *problem)
{
    struct ltd_json *object = ltd_json_new_object();
    bool has_memory = object != NULL;

    for (size_t i = 0; i < form->count && has_memory; i++)
        has_memory = read_part(&form->parts[i], object, problem);
    if (!has_memory)
        problem_set(problem, 503, "no_memory", "no memory for the request; try again later");
    if (!problem->code) {
        *out = object;
        return true;
    }
    ltd_json_free(object);
    return false;
}
