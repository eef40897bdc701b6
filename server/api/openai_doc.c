/* openai_doc.c - OpenAI's requests as JSON Schema, from the table of their fields. */
#include <string.h>

#include "api/openai_fields.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static struct ltd_json *new_type(const char *type)
{
    struct ltd_json *schema = ltd_json_new_object();

    add_text(schema, "type", type);
    return schema;
}

static struct ltd_json *new_enum(const char *words)
{
    struct ltd_json *schema = new_type("string"), *list = ltd_json_new_array();

    while (*words) {
        const size_t length = strcspn(words, " ");
        char word[32];

        if (length < sizeof word) {
            memcpy(word, words, length);
            word[length] = '\0';
            ltd_json_append(list, ltd_json_new_string(word));
        }
        words += length;
        words += *words == ' ';
    }
    ltd_json_add(schema, "enum", list);
    return schema;
}

/* Of a field that the native API has, too. */
static struct ltd_json *native_schema(const char *name, const struct schema_context *context)
{
    for (int id = 0; id < FIELD_ID_COUNT; id++)
        if (strcmp(field_of((enum field_id)id)->name, name) == 0)
            return field_schema((enum field_id)id, context);
    return NULL;
}

static struct ltd_json *bounded_integer(int low, int high)
{
    struct ltd_json *schema = new_type("integer");

    ltd_json_add(schema, "minimum", ltd_json_new_number(low));
    ltd_json_add(schema, "maximum", ltd_json_new_number(high));
    return schema;
}

static struct ltd_json *new_file(void)
{
    struct ltd_json *schema = new_type("string");

    add_text(schema, "format", "binary");
    return schema;
}

static struct ltd_json *new_size(void)
{
    struct ltd_json *schema = new_type("string");

    add_text(schema, "pattern", "^(|auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$");
    return schema;
}

static struct ltd_json *value_schema(const struct openai_field *field, const struct schema_context *context)
{
    switch (field->shape) {
    case OPENAI_SHAPE_NUMBER:
        return *field->native ? native_schema(field->native, context)
                              : bounded_integer(field->low, field->high);
    case OPENAI_SHAPE_TEXT:
        return *field->native ? native_schema(field->native, context) : new_type("string");
    case OPENAI_SHAPE_BOOL:
        return new_type("boolean");
    case OPENAI_SHAPE_WORD:
        return new_enum(field->words);
    case OPENAI_SHAPE_SIZE:
        return new_size();
    case OPENAI_SHAPE_FILE:
        return new_file();
    case OPENAI_SHAPE_ANY:
        break;
    }
    return ltd_json_new_object();
}

/* In JSON, null is as good as nothing. */
static struct ltd_json *property_schema(const struct openai_field *field, bool is_form, bool is_required,
                                        const struct schema_context *context)
{
    struct ltd_json *value = value_schema(field, context), *either, *schema;

    if (is_form || is_required) {
        schema = value;
    } else {
        either = ltd_json_new_array();
        ltd_json_append(either, value);
        ltd_json_append(either, new_type("null"));
        schema = ltd_json_new_object();
        ltd_json_add(schema, "anyOf", either);
    }
    if (!ltd_json_get(schema, "description"))
        add_text(schema, "description", field->about);
    return schema;
}

static struct ltd_json *route_schema(enum openai_route route, const struct schema_context *context)
{
    struct ltd_json *schema = new_type("object"), *properties = ltd_json_new_object();
    struct ltd_json *required = ltd_json_new_array();

    for (int id = 0; id < OPENAI_FIELD_COUNT; id++) {
        const struct openai_field *field = &openai_fields[id];
        const bool is_required = id == OPENAI_FIELD_PROMPT || id == OPENAI_FIELD_IMAGE;

        if (!(field->routes & 1U << route) || field->fate == OPENAI_FATE_REFUSED)
            continue;
        ltd_json_add(properties, field->name,
                     property_schema(field, route != OPENAI_GENERATIONS, is_required, context));
        if (is_required)
            ltd_json_append(required, ltd_json_new_string(field->name));
    }
    ltd_json_add(schema, "properties", properties);
    ltd_json_add(schema, "required", required);
    ltd_json_add(schema, "additionalProperties", ltd_json_new_bool(false));
    return schema;
}

static void add_schemas(struct ltd_json *schemas, const struct schema_context *context)
{
    ltd_json_add(schemas, "OpenaiGeneration", route_schema(OPENAI_GENERATIONS, context));
    ltd_json_add(schemas, "OpenaiEdit", route_schema(OPENAI_EDITS, context));
    ltd_json_add(schemas, "OpenaiVariation", route_schema(OPENAI_VARIATIONS, context));
}

static void add_fields(struct ltd_json *fields)
{
    static const char *const fates[] = {"honoured", "inert", "refused"};

    for (int id = 0; id < OPENAI_FIELD_COUNT; id++)
        ltd_json_add(fields, openai_fields[id].name, ltd_json_new_string(fates[openai_fields[id].fate]));
}

const struct family_doc openai_doc = {"openai", "OpenaiError", "application/json", add_schemas, add_fields};
