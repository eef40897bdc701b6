/* json.c - reading, building and printing of cJSON's tree; json_parse.c makes it from text.
 *
 * A number is always a raw item: its characters, from the document or from the constructors here.
 */
#include <latentd/json.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/number_text.h"
#include "base/size_math.h"

/* A struct ltd_json is a cJSON under another name. */
static const cJSON *node_of(const struct ltd_json *value)
{
    return (const cJSON *)value;
}

static struct ltd_json *json_of(cJSON *node)
{
    return (struct ltd_json *)node;
}

void ltd_json_free(struct ltd_json *root)
{
    cJSON_Delete((cJSON *)root);
}

enum ltd_json_type ltd_json_type(const struct ltd_json *value)
{
    switch (value ? node_of(value)->type & 0xFF : cJSON_NULL) {
    case cJSON_True:
    case cJSON_False:
        return LTD_JSON_BOOL;
    case cJSON_Raw:
        return LTD_JSON_NUMBER;
    case cJSON_String:
        return LTD_JSON_STRING;
    case cJSON_Array:
        return LTD_JSON_ARRAY;
    case cJSON_Object:
        return LTD_JSON_OBJECT;
    default:
        return LTD_JSON_NULL;
    }
}

const char *ltd_json_type_name(enum ltd_json_type type)
{
    switch (type) {
    case LTD_JSON_NULL:
        return "null";
    case LTD_JSON_BOOL:
        return "true or false";
    case LTD_JSON_NUMBER:
        return "a number";
    case LTD_JSON_STRING:
        return "a string";
    case LTD_JSON_ARRAY:
        return "an array";
    case LTD_JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}

size_t ltd_json_size(const struct ltd_json *value)
{
    size_t size = 0;

    for (const struct ltd_json *child = ltd_json_first(value); child; child = ltd_json_next(child))
        size++;
    return size;
}

const struct ltd_json *ltd_json_get(const struct ltd_json *object, const char *key)
{
    if (ltd_json_type(object) != LTD_JSON_OBJECT)
        return NULL;
    return json_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}

const struct ltd_json *ltd_json_first(const struct ltd_json *value)
{
    return value ? json_of(node_of(value)->child) : NULL;
}

const struct ltd_json *ltd_json_next(const struct ltd_json *value)
{
    return value ? json_of(node_of(value)->next) : NULL;
}

const char *ltd_json_key(const struct ltd_json *member)
{
    return member ? node_of(member)->string : NULL;
}

const char *ltd_json_string(const struct ltd_json *value)
{
    return ltd_json_type(value) == LTD_JSON_STRING ? node_of(value)->valuestring : NULL;
}

bool ltd_json_bool(const struct ltd_json *value)
{
    return value && cJSON_IsTrue(node_of(value));
}

double ltd_json_number(const struct ltd_json *value)
{
    double number;

    if (ltd_json_type(value) != LTD_JSON_NUMBER)
        return 0;
    number = strtod(node_of(value)->valuestring, NULL);
    return isinf(number) ? copysign(DBL_MAX, number) : number;
}

/* The magnitude of a number that is written as an integer. */
static bool read_integer(const struct ltd_json *value, bool *negative, uint64_t *magnitude)
{
    const char *digits;

    if (ltd_json_type(value) != LTD_JSON_NUMBER)
        return false;
    digits = node_of(value)->valuestring;
    *negative = *digits == '-';
    digits += *negative;
    if (digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    *magnitude = strtoull(digits, NULL, 10);
    return errno == 0;
}

bool ltd_json_uint64(const struct ltd_json *value, uint64_t *out)
{
    bool negative;
    uint64_t magnitude;

    if (!read_integer(value, &negative, &magnitude) || (negative && magnitude != 0))
        return false;
    *out = magnitude;
    return true;
}

bool ltd_json_int64(const struct ltd_json *value, int64_t *out)
{
    bool negative;
    uint64_t magnitude;

    if (!read_integer(value, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    /* -magnitude, also where that is INT64_MIN. */
    *out = negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return true;
}

struct ltd_json *ltd_json_copy(const struct ltd_json *value)
{
    cJSON *copy = cJSON_Duplicate(node_of(value), true);

    if (copy) {
        cJSON_free(copy->string);
        copy->string = NULL;
    }
    return json_of(copy);
}

struct ltd_json *ltd_json_new_object(void)
{
    return json_of(cJSON_CreateObject());
}

struct ltd_json *ltd_json_new_array(void)
{
    return json_of(cJSON_CreateArray());
}

struct ltd_json *ltd_json_new_bool(bool truth)
{
    return json_of(cJSON_CreateBool(truth));
}

struct ltd_json *ltd_json_new_null(void)
{
    return json_of(cJSON_CreateNull());
}

/* A copy with U+FFFD for every byte that is not part of well-formed UTF-8; freed with cJSON_free. */
static char *copy_as_utf8(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const uint8_t *bytes = (const uint8_t *)text;
    const size_t size = strlen(text);
    size_t capacity = 1, length;
    char *copy, *out;

    for (size_t at = 0; at<size; at += length> 0 ? length : 1) {
        length = json_utf8_length(bytes + at, size - at);
        if (!size_add(capacity, length > 0 ? length : 3, &capacity))
            return NULL;
    }
    copy = out = cJSON_malloc(capacity);
    if (!copy)
        return NULL;
    for (size_t at = 0; at<size; at += length> 0 ? length : 1) {
        length = json_utf8_length(bytes + at, size - at);
        if (length > 0)
            out = mempcpy(out, text + at, length);
        else
            out = mempcpy(out, replacement, 3);
    }
    *out = '\0';
    return copy;
}

struct ltd_json *ltd_json_new_string(const char *text)
{
    cJSON *node = cJSON_CreateNull();

    if (!node)
        return NULL;
    node->type = cJSON_String;
    node->valuestring = copy_as_utf8(text);
    if (!node->valuestring) {
        cJSON_Delete(node);
        return NULL;
    }
    return json_of(node);
}

struct ltd_json *ltd_json_new_number(double number)
{
    char text[NUMBER_TEXT_SIZE];

    if (!isfinite(number))
        return ltd_json_new_null();
    number_text(text, number);
    return json_of(cJSON_CreateRaw(text));
}

struct ltd_json *ltd_json_new_uint64(uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, number);
    return json_of(cJSON_CreateRaw(text));
}

/* Links value, which may be NULL, and gives it key (owned, NULL in an array).  What cannot be linked turns
 * the container into an invalid item, which cJSON does not print. */
static void add_child(struct ltd_json *container, char *key, bool has_key, struct ltd_json *value)
{
    cJSON *parent = (cJSON *)container, *child = (cJSON *)value;

    if (!parent || !child || (has_key && !key)) {
        if (parent)
            parent->type = cJSON_Invalid;
        cJSON_Delete(child);
        cJSON_free(key);
        return;
    }
    child->string = key;
    cJSON_AddItemToArray(parent, child);
}

void ltd_json_add(struct ltd_json *object, const char *key, struct ltd_json *value)
{
    add_child(object, copy_as_utf8(key), true, value);
}

void ltd_json_append(struct ltd_json *array, struct ltd_json *value)
{
    add_child(array, NULL, false, value);
}

char *ltd_json_print(const struct ltd_json *value, bool indented)
{
    if (!value)
        return NULL;
    return indented ? cJSON_Print(node_of(value)) : cJSON_PrintUnformatted(node_of(value));
}
