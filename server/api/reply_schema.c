#include "api/reply_schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ALWAYS true
#define MAYBE  false

static const struct reply_member members[] = {
#define REPLY(schema, name, need, type, about) {schema, name, need, type, about},
#include "api/replies.def"
#undef REPLY
};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

const struct reply_member *reply_member(int index)
{
    return index < MEMBER_COUNT ? &members[index] : NULL;
}

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

struct ltd_json *schema_ref(const char *name)
{
    struct ltd_json *json = ltd_json_new_object();
    char ref[96];

    snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
    add_text(json, "$ref", ref);
    return json;
}

static struct ltd_json *type_schema(const char *type)
{
    static const struct {
        const char *type, *json, *format;
    } rows[] = {
        {"text", "string", NULL},  {"integer", "integer", NULL},    {"number", "number", NULL},
        {"bool", "boolean", NULL}, {"time", "string", "date-time"}, {"url", "string", "uri-reference"},
        {"any", NULL, NULL},
    };
    struct ltd_json *json;
    char item[32];

    if (isupper((unsigned char)type[0]))
        return schema_ref(type);
    json = ltd_json_new_object();
    if (type[0] == '[') {
        snprintf(item, sizeof item, "%.*s", (int)strlen(type) - 2, type + 1);
        add_text(json, "type", "array");
        ltd_json_add(json, "items", type_schema(item));
        return json;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].type, type) != 0)
            continue;
        if (rows[i].json)
            add_text(json, "type", rows[i].json);
        if (rows[i].format)
            add_text(json, "format", rows[i].format);
    }
    return json;
}

/* The schema whose rows begin at first; *next is the row after them. */
static struct ltd_json *object_schema(int first, int *next)
{
    struct ltd_json *schema = ltd_json_new_object(), *properties = ltd_json_new_object();
    struct ltd_json *required = ltd_json_new_array();
    int i;

    for (i = first; i < MEMBER_COUNT && strcmp(members[i].schema, members[first].schema) == 0; i++) {
        struct ltd_json *property = type_schema(members[i].type);

        add_text(property, "description", members[i].about);
        ltd_json_add(properties, members[i].name, property);
        if (members[i].always)
            ltd_json_append(required, ltd_json_new_string(members[i].name));
    }
    add_text(schema, "type", "object");
    ltd_json_add(schema, "properties", properties);
    ltd_json_add(schema, "required", required);
    *next = i;
    return schema;
}

/* An object of one member, which must be there. */
static struct ltd_json *single_schema(const char *name, struct ltd_json *member)
{
    struct ltd_json *schema = ltd_json_new_object(), *properties = ltd_json_new_object();
    struct ltd_json *required = ltd_json_new_array();

    ltd_json_append(required, ltd_json_new_string(name));
    ltd_json_add(properties, name, member);
    add_text(schema, "type", "object");
    ltd_json_add(schema, "properties", properties);
    ltd_json_add(schema, "required", required);
    ltd_json_add(schema, "additionalProperties", ltd_json_new_bool(false));
    return schema;
}

static struct ltd_json *url_schema(const char *about)
{
    struct ltd_json *schema = ltd_json_new_object();

    add_text(schema, "type", "string");
    add_text(schema, "description", about);
    return schema;
}

static struct ltd_json *batch_schema(int max_requests)
{
    struct ltd_json *list = ltd_json_new_object();

    add_text(list, "type", "array");
    add_text(list, "description", "all become jobs, or none does");
    ltd_json_add(list, "items", schema_ref("Request"));
    ltd_json_add(list, "minItems", ltd_json_new_number(1));
    ltd_json_add(list, "maxItems", ltd_json_new_number(max_requests));
    return single_schema("requests", list);
}

void reply_schemas_add(struct ltd_json *schemas, const struct schema_context *context)
{
    for (int i = 0; i < MEMBER_COUNT;) {
        const char *name = members[i].schema;

        ltd_json_add(schemas, name, object_schema(i, &i));
    }
    ltd_json_add(schemas, "Request", request_schema(context));
    ltd_json_add(schemas, "Requests", batch_schema(context->max_requests));
    ltd_json_add(schemas, "Picture", single_schema("image", field_schema(FIELD_IMAGE, context)));
    ltd_json_add(schemas, "WebhookTest", single_schema("url", url_schema("where to send the message")));
}
