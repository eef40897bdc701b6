#include "api/a1111_doc.h"

#include <stdarg.h>

#include "api/a1111_fields.h"

/* JSON's word for a type; what clients send beside it is taken, too (a1111_fields.h). */
static const char *const type_words[] = {
    [A1111_TYPE_TEXT] = "string",  [A1111_TYPE_INTEGER] = "integer", [A1111_TYPE_NUMBER] = "number",
    [A1111_TYPE_BOOL] = "boolean", [A1111_TYPE_LIST] = "array",      [A1111_TYPE_OBJECT] = "object",
};

/* A value of a type, or null. */
static struct ltd_json *nullable(enum a1111_type type, const char *about)
{
    struct ltd_json *schema = ltd_json_new_object(), *types = ltd_json_new_array();

    ltd_json_append(types, ltd_json_new_string(type_words[type]));
    if (type == A1111_TYPE_BOOL) /* 0 and 1 */
        ltd_json_append(types, ltd_json_new_string("integer"));
    ltd_json_append(types, ltd_json_new_string("null"));
    ltd_json_add(schema, "type", types);
    if (about)
        ltd_json_add(schema, "description", ltd_json_new_string(about));
    return schema;
}

static struct ltd_json *plain(const char *type)
{
    struct ltd_json *schema = ltd_json_new_object();

    if (type)
        ltd_json_add(schema, "type", ltd_json_new_string(type));
    return schema;
}

static struct ltd_json *object_of(struct ltd_json *properties)
{
    struct ltd_json *schema = plain("object");

    ltd_json_add(schema, "properties", properties);
    return schema;
}

/* The names up to a NULL, as what an object must have. */
static void require(struct ltd_json *schema, ...)
{
    struct ltd_json *required = ltd_json_new_array();
    va_list names;

    va_start(names, schema);
    for (const char *name = va_arg(names, const char *); name; name = va_arg(names, const char *))
        ltd_json_append(required, ltd_json_new_string(name));
    va_end(names);
    ltd_json_add(schema, "required", required);
}

static struct ltd_json *request_of(enum a1111_route route)
{
    struct ltd_json *properties = ltd_json_new_object();

    for (int i = 0; i < A1111_FIELD_COUNT; i++)
        if (a1111_field_is_of((enum a1111_field)i, route))
            ltd_json_add(
                properties, a1111_field_name((enum a1111_field)i),
                nullable(a1111_field_type((enum a1111_field)i), a1111_field_why((enum a1111_field)i)));
    return object_of(properties);
}

static struct ltd_json *images_schema(void)
{
    struct ltd_json *properties = ltd_json_new_object(), *images = plain("array"), *schema;

    ltd_json_add(images, "items", plain("string"));
    ltd_json_add(properties, "images", images);
    ltd_json_add(properties, "parameters", plain("object"));
    ltd_json_add(properties, "info", plain("string"));
    schema = object_of(properties);
    require(schema, "images", "parameters", "info", NULL);
    return schema;
}

static struct ltd_json *picture_schema(const char *name, const char *type)
{
    struct ltd_json *properties = ltd_json_new_object(), *schema;

    ltd_json_add(properties, name, plain(type));
    schema = object_of(properties);
    require(schema, name, NULL);
    return schema;
}

static struct ltd_json *task_schema(void)
{
    struct ltd_json *properties = ltd_json_new_object(), *schema;

    ltd_json_add(properties, "id_task", plain("string"));
    ltd_json_add(properties, "id_live_preview", nullable(A1111_TYPE_INTEGER, NULL));
    ltd_json_add(properties, "live_preview", nullable(A1111_TYPE_BOOL, NULL));
    schema = object_of(properties);
    require(schema, "id_task", NULL);
    return schema;
}

static struct ltd_json *error_schema(void)
{
    struct ltd_json *properties = ltd_json_new_object(), *schema;

    ltd_json_add(properties, "detail", plain(NULL));
    ltd_json_add(properties, "error", plain("string"));
    ltd_json_add(properties, "body", plain("string"));
    ltd_json_add(properties, "errors", plain("string"));
    schema = object_of(properties);
    require(schema, "detail", NULL);
    return schema;
}

void a1111_add_schemas(struct ltd_json *schemas, const struct schema_context *context)
{
    (void)context;
    ltd_json_add(schemas, "A1111Txt2Img", request_of(A1111_TXT2IMG));
    ltd_json_add(schemas, "A1111Img2Img", request_of(A1111_IMG2IMG));
    ltd_json_add(schemas, "A1111Images", images_schema());
    ltd_json_add(schemas, "A1111Picture", picture_schema("image", "string"));
    ltd_json_add(schemas, "A1111Extra", picture_schema("image", "string"));
    ltd_json_add(schemas, "A1111ExtraBatch", picture_schema("imageList", "array"));
    ltd_json_add(schemas, "A1111Task", task_schema());
    ltd_json_add(schemas, "A1111Error", error_schema());
    ltd_json_add(schemas, "A1111Any", plain(NULL));
}

void a1111_add_fields(struct ltd_json *fields)
{
    for (int i = 0; i < A1111_FIELD_COUNT; i++)
        ltd_json_add(fields, a1111_field_name((enum a1111_field)i),
                     ltd_json_new_string(a1111_field_effect((enum a1111_field)i)));
}
