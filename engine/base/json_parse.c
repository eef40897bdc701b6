/* json_parse.c - builds cJSON's tree from the scanner's tokens.
 *
 * cJSON's own parser is not called: it writes a process-wide error pointer in every parse (a race between
 * threads), refuses numbers of more than 63 characters, and keeps of a number no more than its double.
 */
#include <latentd/json.h>

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/mapped_file.h"

const struct ltd_json_limits ltd_json_request_limits = {.max_depth = 32, .max_nodes = 4096};
const struct ltd_json_limits ltd_json_file_limits = {
    .max_depth = 32, .max_nodes = 2000000, .infinities = true};

/* A key of an object that is still open. */
struct open_key {
    uint64_t hash;
    const char *text; /* owned by its node */
    size_t offset;
};

struct builder {
    struct json_scanner scanner;
    cJSON *root;
    char *key; /* waits for its value */
    size_t key_offset;
    size_t depth;
    cJSON *open[JSON_SCAN_MAX_DEPTH];      /* the containers around the scanner */
    size_t first_key[JSON_SCAN_MAX_DEPTH]; /* of each of them, in keys */
    struct open_key *keys;
    size_t key_count, key_capacity;
};

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001B3u;
    return hash;
}

/* Equal keys come to stand side by side; the hash only saves most of the string comparisons, so keys chosen
 * to collide cost no more than n log n of them. */
static int compare_keys(const void *a, const void *b)
{
    const struct open_key *x = a, *y = b;
    int order;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    order = strcmp(x->text, y->text);
    if (order != 0)
        return order;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Names the key as the text spells it, escapes and all, so that the message stays one line. */
static enum ltd_status duplicate_error(const struct json_scanner *scanner, size_t offset,
                                       struct ltd_error *err)
{
    const char *key = (const char *)scanner->text + offset; /* begins with its quote */
    int length = 1;

    while (key[length] != '"' && length < (int)sizeof err->message)
        length += key[length] == '\\' ? 2 : 1;
    return ltd_fail(err, LTD_ESYNTAX, "JSON: byte %zu: duplicate key %.*s", offset, length + 1, key);
}

/* Checks the keys of the innermost object, which has just been closed, and forgets them. */
static enum ltd_status check_keys(struct builder *builder, struct ltd_error *err)
{
    const size_t first = builder->first_key[builder->depth - 1];
    struct open_key *keys = builder->keys + first;
    const size_t count = builder->key_count - first;
    const struct open_key *duplicate = NULL;

    builder->key_count = first;
    if (count < 2)
        return LTD_OK;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (keys[i].hash == keys[i - 1].hash && strcmp(keys[i].text, keys[i - 1].text) == 0 &&
            (!duplicate || keys[i].offset < duplicate->offset))
            duplicate = &keys[i];
    return duplicate ? duplicate_error(&builder->scanner, duplicate->offset, err) : LTD_OK;
}

static bool remember_key(struct builder *builder, const char *text)
{
    if (builder->key_count == builder->key_capacity) {
        /* Keys are at most max_nodes, so neither the doubling nor the product can wrap. */
        const size_t capacity = builder->key_capacity ? builder->key_capacity * 2 : 64;
        struct open_key *keys = reallocarray(builder->keys, capacity, sizeof *keys);

        if (!keys)
            return false;
        builder->keys = keys;
        builder->key_capacity = capacity;
    }
    builder->keys[builder->key_count++] =
        (struct open_key){.hash = hash_text(text), .text = text, .offset = builder->key_offset};
    return true;
}

static char *copy_string(const struct json_token *token)
{
    char *text = cJSON_malloc(token->unescaped + 1);

    if (text)
        json_token_unescape(token, text);
    return text;
}

/* A number is kept as its own characters (cJSON's raw item), so that integers stay exact. */
static char *copy_number(const struct json_token *token)
{
    char *text = cJSON_malloc(token->length + 1);

    if (text) {
        memcpy(text, token->text, token->length);
        text[token->length] = '\0';
    }
    return text;
}

static cJSON *new_node(const struct json_token *token)
{
    cJSON *node;

    switch (token->kind) {
    case JSON_OPEN_OBJECT:
        return cJSON_CreateObject();
    case JSON_OPEN_ARRAY:
        return cJSON_CreateArray();
    case JSON_TRUE:
    case JSON_FALSE:
        return cJSON_CreateBool(token->kind == JSON_TRUE);
    default:
        break;
    }
    node = cJSON_CreateNull();
    if (!node || token->kind == JSON_NULL)
        return node;
    /* Not cJSON_CreateString or cJSON_CreateRaw: they would copy the text, a base64 picture at times, again.
     */
    node->valuestring = token->kind == JSON_STRING ? copy_string(token) : copy_number(token);
    node->type = token->kind == JSON_STRING ? cJSON_String : cJSON_Raw;
    if (!node->valuestring) {
        cJSON_Delete(node);
        return NULL;
    }
    return node;
}

/* Links a new node to the tree; false without memory. */
static bool add_node(struct builder *builder, const struct json_token *token)
{
    cJSON *node = new_node(token);

    if (!node)
        return false;
    node->string = builder->key;
    builder->key = NULL;
    if (builder->depth == 0)
        builder->root = node;
    else
        cJSON_AddItemToArray(builder->open[builder->depth - 1], node);
    if (node->string && !remember_key(builder, node->string))
        return false;
    if (token->kind == JSON_OPEN_OBJECT || token->kind == JSON_OPEN_ARRAY) {
        builder->first_key[builder->depth] = builder->key_count;
        builder->open[builder->depth++] = node;
    }
    return true;
}

static enum ltd_status build(struct builder *builder, struct ltd_error *err)
{
    struct json_token token = {0};
    bool has_memory = true;

    while (has_memory) {
        enum ltd_status status = json_scanner_next(&builder->scanner, &token, err);

        if (status != LTD_OK)
            return status;
        switch (token.kind) {
        case JSON_END:
            return LTD_OK;
        case JSON_KEY:
            builder->key = copy_string(&token);
            builder->key_offset = token.offset;
            has_memory = builder->key != NULL;
            break;
        case JSON_CLOSE_OBJECT:
        case JSON_CLOSE_ARRAY:
            status = check_keys(builder, err);
            if (status != LTD_OK)
                return status;
            builder->depth--;
            break;
        default:
            has_memory = add_node(builder, &token);
        }
    }
    return ltd_fail(err, LTD_ENOMEM, "JSON: no memory for the document");
}

enum ltd_status ltd_json_parse(const char *text, size_t size, const struct ltd_json_limits *limits,
                               struct ltd_json **out, struct ltd_error *err)
{
    struct builder builder;
    enum ltd_status status;

    json_scanner_init(&builder.scanner, text, size, limits);
    builder.root = NULL;
    builder.key = NULL;
    builder.depth = 0;
    builder.keys = NULL;
    builder.key_count = builder.key_capacity = 0;

    status = build(&builder, err);
    free(builder.keys);
    cJSON_free(builder.key);
    if (status == LTD_OK)
        *out = (struct ltd_json *)builder.root;
    else
        cJSON_Delete(builder.root);
    return status;
}

enum ltd_status ltd_json_read_file(const char *path, size_t max_bytes, struct ltd_json **out,
                                   struct ltd_error *err)
{
    struct mapped_file file;
    struct ltd_error why;
    enum ltd_status status = mapped_file_open(&file, path, err);

    if (status != LTD_OK)
        return status;
    if (file.size > max_bytes)
        status = ltd_fail(err, LTD_ETOOBIG, "%s: larger than %zu bytes", path, max_bytes);
    else if (status = ltd_json_parse((const char *)file.data, file.size, &ltd_json_file_limits, out, &why),
             status != LTD_OK)
        ltd_fail(err, status, "%s: %s", path, why.message);
    mapped_file_close(&file);
    return status;
}
