#include "handlers/openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/family_doc.h"
#include "api/reply_schema.h"
#include "handlers/query_table.h"
#include "handlers/route_table.h"

/* What any route may answer, and one that reads a body. */
static const char any_gives[] = "400 403 431 503", body_gives[] = "413 415";

bool openapi_next_word(const char **text, const char *ends, char word[OPENAPI_WORD_SIZE])
{
    const char *start = *text + strspn(*text, ends);
    const size_t length = strcspn(start, ends);

    if (length == 0 || length >= OPENAPI_WORD_SIZE)
        return false;
    memcpy(word, start, length);
    word[length] = '\0';
    *text = start + length;
    return true;
}

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

/* The JSON schemas among the alternatives; NULL: there are none. */
static struct ltd_json *json_alternatives(const char *text)
{
    struct ltd_json *list = ltd_json_new_array(), *schema;
    char word[OPENAPI_WORD_SIZE], only[OPENAPI_WORD_SIZE] = "";

    while (openapi_next_word(&text, "|", word)) {
        if (strchr(word, '/'))
            continue;
        memcpy(only, word, sizeof only);
        ltd_json_append(list, schema_ref(word));
    }
    if (ltd_json_size(list) <= 1) {
        ltd_json_free(list);
        return only[0] ? schema_ref(only) : NULL;
    }
    schema = ltd_json_new_object();
    ltd_json_add(schema, "anyOf", list);
    return schema;
}

static void add_media(struct ltd_json *content, const char *type, struct ltd_json *schema)
{
    struct ltd_json *media = ltd_json_new_object();

    ltd_json_add(media, "schema", schema ? schema : ltd_json_new_object());
    ltd_json_add(content, type, media);
}

/* {"application/json": {"schema": ...}, "image/png": {...}}; NULL for no body. */
static struct ltd_json *content_of(const char *text)
{
    struct ltd_json *content, *schema = json_alternatives(text);
    char word[OPENAPI_WORD_SIZE];

    if (!*text)
        return NULL;
    content = ltd_json_new_object();
    if (schema)
        add_media(content, "application/json", schema);
    while (openapi_next_word(&text, "|", word)) {
        char *of = strchr(word, ':');

        if (!strchr(word, '/'))
            continue;
        if (of)
            *of++ = '\0';
        add_media(content, word, of ? schema_ref(of) : NULL);
    }
    return content;
}

static const struct family_doc *doc_of(enum http_family family)
{
    static const char *const names[] = {
        [FAMILY_NATIVE] = "native", [FAMILY_OPENAI] = "openai", [FAMILY_A1111] = "a1111"};

    for (size_t i = 0; family_docs[i]; i++)
        if (strcmp(family_docs[i]->name, names[family]) == 0)
            return family_docs[i];
    return family_docs[0];
}

/* Adds what the words of gives say; one that is there already stays. */
static void add_responses(struct ltd_json *responses, enum http_family family, const char *gives)
{
    const struct family_doc *doc = doc_of(family);
    char word[OPENAPI_WORD_SIZE];

    while (openapi_next_word(&gives, " ", word)) {
        char *is = strchr(word, '=');
        struct ltd_json *response, *content;

        if (is)
            *is++ = '\0';
        if (ltd_json_get(responses, word))
            continue;
        response = ltd_json_new_object();
        add_text(response, "description", problem_title(atoi(word)));
        if (is) {
            content = content_of(is);
        } else {
            content = ltd_json_new_object();
            add_media(content, doc->error_type, schema_ref(doc->error_schema));
        }
        if (content)
            ltd_json_add(response, "content", content);
        ltd_json_add(responses, word, response);
    }
}

static struct ltd_json *parameter(const char *name, const char *in, struct ltd_json *schema,
                                  const char *about)
{
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "name", name);
    add_text(json, "in", in);
    if (strcmp(in, "path") == 0)
        ltd_json_add(json, "required", ltd_json_new_bool(true));
    add_text(json, "description", about);
    ltd_json_add(json, "schema", schema);
    return json;
}

static struct ltd_json *text_schema(void)
{
    struct ltd_json *schema = ltd_json_new_object();

    add_text(schema, "type", "string");
    return schema;
}

static void add_parameters(struct ltd_json *operation, const struct http_route *route)
{
    struct ltd_json *list = ltd_json_new_array();
    const char *query = route->query ? route->query : "";
    char word[OPENAPI_WORD_SIZE];

    for (const char *at = route->pattern; (at = strchr(at, '{'));) {
        at++;
        if (openapi_next_word(&at, "}", word))
            ltd_json_append(list, parameter(word, "path", text_schema(), "of the path"));
    }
    while (openapi_next_word(&query, " ", word)) {
        const struct query_row *row = query_find(word);

        ltd_json_append(list, parameter(word, "query", query_schema(row), row->about));
    }
    if (route->admit == admit_job && route->family == FAMILY_NATIVE) {
        ltd_json_append(list, parameter("Prefer", "header", text_schema(),
                                        "respond-async, wait=SECONDS, handling=lenient (RFC 7240)"));
        ltd_json_append(list, parameter("Idempotency-Key", "header", text_schema(),
                                        "the same request with the same key joins the job of the first one"));
    }
    if (ltd_json_size(list) > 0)
        ltd_json_add(operation, "parameters", list);
    else
        ltd_json_free(list);
}

static struct ltd_json *encode_operation(const struct http_route *route, const struct route_doc *doc)
{
    struct ltd_json *operation = ltd_json_new_object(), *responses = ltd_json_new_object();
    struct ltd_json *tags = ltd_json_new_array(), *body;

    add_text(operation, "summary", doc->about);
    ltd_json_append(tags, ltd_json_new_string(doc_of(route->family)->name));
    ltd_json_add(operation, "tags", tags);
    add_parameters(operation, route);
    if (*doc->takes) {
        body = ltd_json_new_object();
        ltd_json_add(body, "required", ltd_json_new_bool(true));
        ltd_json_add(body, "content", content_of(doc->takes));
        ltd_json_add(operation, "requestBody", body);
    }
    add_responses(responses, route->family, doc->gives);
    add_responses(responses, route->family, any_gives);
    if (route->body != HTTP_NO_BODY)
        add_responses(responses, route->family, body_gives);
    ltd_json_add(operation, "responses", responses);
    return operation;
}

static bool is_first_of_path(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(app_routes[i].pattern, app_routes[index].pattern) == 0)
            return false;
    return true;
}

static struct ltd_json *encode_path(const char *pattern)
{
    struct ltd_json *path = ltd_json_new_object();
    char method[16];

    for (size_t i = 0; i < app_route_count; i++) {
        const char *name = app_routes[i].method;
        size_t length = 0;

        if (strcmp(app_routes[i].pattern, pattern) != 0)
            continue;
        for (; name[length] && length + 1 < sizeof method; length++)
            method[length] = (char)tolower((unsigned char)name[length]);
        method[length] = '\0';
        ltd_json_add(path, method, encode_operation(&app_routes[i], &app_route_docs[i]));
    }
    return path;
}

static struct ltd_json *encode_components(const struct app *app)
{
    const struct model_set *models = app->models;
    const struct ltd_gen_params defaults = ltd_params_default(model_set_shapes(models, 0));
    const struct schema_context context = {&app->decode.limits, &defaults, model_set_side_multiple(models),
                                           app->limits.batch};
    struct ltd_json *components = ltd_json_new_object(), *schemas = ltd_json_new_object();

    reply_schemas_add(schemas, &context);
    for (size_t i = 0; family_docs[i]; i++)
        if (family_docs[i]->add_schemas)
            family_docs[i]->add_schemas(schemas, &context);
    ltd_json_add(components, "schemas", schemas);
    return components;
}

struct ltd_json *openapi_encode(const struct app *app)
{
    struct ltd_json *json = ltd_json_new_object(), *info = ltd_json_new_object();
    struct ltd_json *paths = ltd_json_new_object();

    add_text(json, "openapi", "3.1.0");
    add_text(info, "title", "latentd");
    add_text(info, "version", LATENTD_VERSION);
    add_text(info, "description", "Stable Diffusion over HTTP.");
    ltd_json_add(json, "info", info);
    for (size_t i = 0; i < app_route_count; i++)
        if (is_first_of_path(i))
            ltd_json_add(paths, app_routes[i].pattern, encode_path(app_routes[i].pattern));
    ltd_json_add(json, "paths", paths);
    ltd_json_add(json, "components", encode_components(app));
    return json;
}
