#include "api/request_hf.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum field_id field;
} parameters[] = {
#define HF_PARAMETER(name, field) {name, FIELD_##field},
#include "api/request_hf.def"
#undef HF_PARAMETER
};

enum { PARAMETER_COUNT = sizeof parameters / sizeof parameters[0] };

bool request_hf_is(const struct ltd_json *document)
{
    return ltd_json_get(document, "inputs") && !ltd_json_get(document, "prompt");
}

static int find_parameter(const char *name)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (strcmp(parameters[i].name, name) == 0)
            return i;
    return -1;
}

/* What a field of a request is called in this form. */
static const char *rename_pointer(const char *pointer, char text[PROBLEM_POINTER_SIZE])
{
    const char *name = pointer + 1;

    if (!*pointer || strcmp(pointer, "/inputs") == 0)
        return pointer;
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (strcmp(pointer, field_of(parameters[i].field)->pointer) == 0)
            name = parameters[i].name;
    snprintf(text, PROBLEM_POINTER_SIZE, "/parameters/%s", name);
    return text;
}

static const char *rename_of_text(const char *pointer, char text[PROBLEM_POINTER_SIZE])
{
    return strcmp(pointer, "/prompt") == 0 ? "/inputs" : rename_pointer(pointer, text);
}

static const char *rename_of_picture(const char *pointer, char text[PROBLEM_POINTER_SIZE])
{
    return strcmp(pointer, "/image") == 0 ? "/inputs" : rename_pointer(pointer, text);
}

/* The class of diffusers that a sampler follows is a name for it, too. */
static const char *sampler_of_class(const char *name)
{
    static const char *const classes[] = {
#define SAMPLER(id, wire, label, reference, keys, takes, noise, eta) reference,
#include <latentd/samplers.def>
#undef SAMPLER
    };

    for (int i = 0; i < LTD_SAMPLER_COUNT; i++)
        if (strcmp(classes[i], name) == 0)
            return ltd_sampler_name((enum ltd_sampler)i);
    return name;
}

static void add_once(struct ltd_json *native, const char *name, struct ltd_json *value,
                     struct problem *problem)
{
    char pointer[PROBLEM_POINTER_SIZE];

    if (ltd_json_get(native, name)) {
        snprintf(pointer, sizeof pointer, "/%s", name);
        problem_add(problem, pointer, "is given twice, by two names; leave one out");
        ltd_json_free(value);
    } else {
        ltd_json_add(native, name, value);
    }
}

/* In this form, null says the same as nothing. */
static bool is_given(const struct ltd_json *value)
{
    return value && ltd_json_type(value) != LTD_JSON_NULL;
}

/* Fields by their names here are taken, too. */
static void take_parameters(const struct ltd_json *from, struct ltd_json *native, struct problem *problem)
{
    for (const struct ltd_json *member = ltd_json_first(from); member; member = ltd_json_next(member)) {
        const char *name = ltd_json_key(member), *text = ltd_json_string(member);
        const int found = find_parameter(name);

        if (!is_given(member))
            continue;
        if (found >= 0)
            name = field_of(parameters[found].field)->name;
        if (strcmp(name, "target_size") == 0 && ltd_json_type(member) == LTD_JSON_OBJECT)
            take_parameters(member, native, problem);
        else if (found >= 0 && parameters[found].field == FIELD_SAMPLER && text)
            add_once(native, name, ltd_json_new_string(sampler_of_class(text)), problem);
        else
            add_once(native, name, ltd_json_copy(member), problem);
    }
}

static void refuse_others(const struct ltd_json *document, struct problem *problem)
{
    char pointer[PROBLEM_POINTER_SIZE], shown[FIELD_SHOWN_SIZE];

    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        const char *name = ltd_json_key(member);

        if (strcmp(name, "inputs") == 0 || strcmp(name, "parameters") == 0)
            continue;
        snprintf(pointer, sizeof pointer, "/%s", field_shown(shown, name));
        problem_add(problem, pointer, "is not known beside inputs and parameters; leave it out");
    }
}

bool request_hf_decode(const struct request_context *context, const struct ltd_json *document,
                       struct job_request **out, struct problem *problem)
{
    const struct ltd_json *given = ltd_json_get(document, "parameters");
    const int found_before = problem->error_count;
    struct job_request *request = NULL;
    struct ltd_json *native = ltd_json_new_object();
    bool from_picture;

    refuse_others(document, problem);
    if (is_given(given) && ltd_json_type(given) != LTD_JSON_OBJECT) {
        problem_add(problem, "/parameters", "must be an object");
        given = NULL;
    }
    from_picture = is_given(ltd_json_get(given, "prompt"));
    problem->rename = from_picture ? rename_of_picture : rename_of_text;
    ltd_json_add(native, from_picture ? "image" : "prompt", ltd_json_copy(ltd_json_get(document, "inputs")));
    take_parameters(given, native, problem);
    if (request_decode_json(context, native, &request, problem))
        request->family = JOB_HF;
    problem->rename = NULL;
    ltd_json_free(native);
    if (problem->error_count > found_before) {
        problem_set_invalid(problem);
        job_request_unref(request);
        return false;
    }
    if (request)
        *out = request;
    return request != NULL;
}

void request_hf_add_fields(struct ltd_json *fields)
{
    ltd_json_add(fields, "inputs", ltd_json_new_string("honoured"));
    for (int i = 0; i < PARAMETER_COUNT; i++)
        ltd_json_add(fields, parameters[i].name, ltd_json_new_string("honoured"));
    ltd_json_add(fields, "target_size", ltd_json_new_string("honoured"));
}

/* As is_given() has it. */
static struct ltd_json *schema_or_null(struct ltd_json *schema)
{
    struct ltd_json *either = ltd_json_new_object(), *kinds = ltd_json_new_array();
    struct ltd_json *null = ltd_json_new_object();

    ltd_json_add(null, "type", ltd_json_new_string("null"));
    ltd_json_append(kinds, schema);
    ltd_json_append(kinds, null);
    ltd_json_add(either, "anyOf", kinds);
    return either;
}

void request_hf_add_schemas(struct ltd_json *schemas, const struct schema_context *context)
{
    struct ltd_json *schema = ltd_json_new_object(), *members = ltd_json_new_object();
    struct ltd_json *required = ltd_json_new_array();
    struct ltd_json *given = ltd_json_new_object(), *properties = ltd_json_new_object();

    for (int i = 0; i < PARAMETER_COUNT; i++) {
        /* Samplers go by more names here. */
        struct ltd_json *property = parameters[i].field == FIELD_SAMPLER
                                        ? ltd_json_new_object()
                                        : field_schema(parameters[i].field, context);

        if (parameters[i].field == FIELD_SAMPLER)
            ltd_json_add(property, "type", ltd_json_new_string("string"));
        ltd_json_add(properties, parameters[i].name, schema_or_null(property));
    }
    ltd_json_add(given, "type", ltd_json_new_string("object"));
    ltd_json_add(given, "properties", properties);
    ltd_json_add(members, "inputs", field_schema(FIELD_PROMPT, context));
    ltd_json_add(members, "parameters", schema_or_null(given));
    ltd_json_append(required, ltd_json_new_string("inputs"));
    ltd_json_add(schema, "type", ltd_json_new_string("object"));
    ltd_json_add(schema, "properties", members);
    ltd_json_add(schema, "required", required);
    ltd_json_add(schema, "additionalProperties", ltd_json_new_bool(false));
    ltd_json_add(schemas, "HfRequest", schema);
}
