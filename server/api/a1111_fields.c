#include "api/a1111_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/fields.h"

enum { TXT2IMG = 1, IMG2IMG = 2, BOTH = 3 };

struct row {
    int routes;
    const char *name;
    enum a1111_type type;
    const char *standard;
    enum a1111_effect effect;
    const char *native, *why;
};

static const struct row rows[A1111_FIELD_COUNT] = {
#define A1111_FIELD(id, route, name, type, standard, effect, native, why) \
    {route, name, A1111_TYPE_##type, standard, A1111_##effect, native, why},
#include "api/a1111_fields.def"
#undef A1111_FIELD
};

/* What pydantic calls a value of another type, and what to send instead. */
static const struct {
    const char *code, *wanted;
} types[] = {
    [A1111_TYPE_TEXT] = {"type_error.str", "a string"},
    [A1111_TYPE_INTEGER] = {"type_error.integer", "an integer"},
    [A1111_TYPE_NUMBER] = {"type_error.float", "a number"},
    [A1111_TYPE_BOOL] = {"type_error.bool", "true or false"},
    [A1111_TYPE_LIST] = {"type_error.list", "an array"},
    [A1111_TYPE_OBJECT] = {"type_error.dict", "an object"},
};

const char *a1111_field_name(enum a1111_field field)
{
    return rows[field].name;
}

const char *a1111_field_standard(enum a1111_field field)
{
    return rows[field].standard;
}

const char *a1111_field_effect(enum a1111_field field)
{
    static const char *const names[] = {[A1111_HONOURED] = "honoured",
                                        [A1111_INERT] = "inert",
                                        [A1111_OFF] = "refused",
                                        [A1111_ONE] = "refused",
                                        [A1111_ON] = "refused"};

    return names[rows[field].effect];
}

enum a1111_type a1111_field_type(enum a1111_field field)
{
    return rows[field].type;
}

const char *a1111_field_why(enum a1111_field field)
{
    return rows[field].why;
}

bool a1111_field_is_of(enum a1111_field field, enum a1111_route route)
{
    return rows[field].routes & (route == A1111_TXT2IMG ? TXT2IMG : IMG2IMG);
}

/* Whether a pointer is a field's, or that of something in it. */
static bool is_within(const char *pointer, const char *field)
{
    const size_t length = strlen(field);

    return length > 0 && strncmp(pointer, field, length) == 0 &&
           (pointer[length] == '\0' || pointer[length] == '/');
}

const char *a1111_place_of(const char *native_pointer)
{
    static const struct {
        const char *native, *place;
    } inner[] = {
        {"/model", "override_settings/sd_model_checkpoint"},
        {"/output/format", "override_settings/samples_format"},
        {"/clip_skip", "override_settings/CLIP_stop_at_last_layers"},
    };

    for (int i = 0; i < A1111_FIELD_COUNT; i++)
        if (is_within(native_pointer, rows[i].native))
            return rows[i].name;
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
        if (strcmp(inner[i].native, native_pointer) == 0)
            return inner[i].place;
    return NULL;
}

/* A number that a string may hold; false when it is none. */
static bool read_number(const struct ltd_json *json, struct a1111_value *out)
{
    const double too_much = 18446744073709551616.0; /* 2^64 */
    int64_t integer;

    if (ltd_json_type(json) != LTD_JSON_NUMBER)
        return false;
    out->number = ltd_json_number(json);
    out->fits = true;
    if (ltd_json_uint64(json, &out->magnitude))
        return true;
    if (ltd_json_int64(json, &integer))
        out->magnitude = 0 - (uint64_t)integer;
    else if (fabs(out->number) < too_much)
        out->magnitude = (uint64_t)fabs(out->number);
    else
        out->fits = false;
    return true;
}

static bool read_any_number(const struct ltd_json *json, struct a1111_value *out)
{
    const char *text = ltd_json_string(json);
    struct ltd_json *inside = NULL;
    bool right;

    if (!text)
        return read_number(json, out);
    if (ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &inside, NULL) != LTD_OK)
        return false;
    right = read_number(inside, out);
    ltd_json_free(inside);
    return right;
}

static bool read_bool(const struct ltd_json *json, struct a1111_value *out)
{
    const double number = ltd_json_number(json);

    out->truth = ltd_json_bool(json) || number == 1;
    return ltd_json_type(json) == LTD_JSON_BOOL ||
           (ltd_json_type(json) == LTD_JSON_NUMBER && (number == 0 || number == 1));
}

static bool read_as(const struct ltd_json *json, enum a1111_type type, struct a1111_value *out)
{
    switch (type) {
    case A1111_TYPE_TEXT:
        out->text = ltd_json_string(json);
        return out->text != NULL;
    case A1111_TYPE_INTEGER:
        return read_any_number(json, out) && out->number == floor(out->number);
    case A1111_TYPE_NUMBER:
        return read_any_number(json, out);
    case A1111_TYPE_BOOL:
        return read_bool(json, out);
    case A1111_TYPE_LIST:
        return ltd_json_type(json) == LTD_JSON_ARRAY;
    case A1111_TYPE_OBJECT:
        break;
    }
    return ltd_json_type(json) == LTD_JSON_OBJECT;
}

bool a1111_value_read(const struct ltd_json *json, enum a1111_type type, const char *place,
                      struct a1111_value *out, struct a1111_refusal *refusal)
{
    out->json = json;
    out->present = ltd_json_type(json) != LTD_JSON_NULL && read_as(json, type, out);
    out->wrong = !out->present && ltd_json_type(json) != LTD_JSON_NULL;
    if (out->wrong)
        a1111_refuse_value(refusal, place, types[type].code, "is %s; send %s",
                           ltd_json_type(json) == LTD_JSON_NUMBER && type == A1111_TYPE_INTEGER
                               ? "no integer"
                               : ltd_json_type_name(ltd_json_type(json)),
                           types[type].wanted);
    return !out->wrong;
}

/* Whether a value asks for nothing: false, 0 or below, empty, "None". */
static bool is_off(const struct a1111_value *value, enum a1111_type type)
{
    switch (type) {
    case A1111_TYPE_TEXT:
        return *value->text == '\0' || strcasecmp(value->text, "none") == 0;
    case A1111_TYPE_INTEGER:
    case A1111_TYPE_NUMBER:
        return value->number <= 0;
    case A1111_TYPE_BOOL:
        return !value->truth;
    case A1111_TYPE_LIST:
    case A1111_TYPE_OBJECT:
        break;
    }
    return !ltd_json_first(value->json);
}

void a1111_value_check(struct a1111_value *value, enum a1111_type type, enum a1111_effect effect,
                       const char *place, const char *why, struct a1111_refusal *refusal)
{
    char shown[FIELD_SHOWN_SIZE];

    if (!value->present || effect == A1111_HONOURED || effect == A1111_INERT)
        return;
    if (effect == A1111_OFF ? is_off(value, type) : effect == A1111_ON ? value->truth : value->number == 1)
        return;
    value->wrong = true;
    if (type == A1111_TYPE_OBJECT)
        a1111_refuse_value(refusal, place, "value_error", "%s: %s",
                           field_shown(shown, ltd_json_key(ltd_json_first(value->json))), why);
    else
        a1111_refuse_value(refusal, place, "value_error", "%s", why);
}

void a1111_fields_read(const struct ltd_json *document, enum a1111_route route,
                       struct a1111_value values[A1111_FIELD_COUNT], a1111_unknown_fn *unknown, void *arg,
                       struct a1111_refusal *refusal)
{
    memset(values, 0, A1111_FIELD_COUNT * sizeof *values);
    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        int i = 0;

        while (i < A1111_FIELD_COUNT && (strcmp(rows[i].name, ltd_json_key(member)) != 0 ||
                                         !a1111_field_is_of((enum a1111_field)i, route)))
            i++;
        if (i == A1111_FIELD_COUNT)
            unknown(arg, ltd_json_key(member));
        else if (a1111_value_read(member, rows[i].type, rows[i].name, &values[i], refusal))
            a1111_value_check(&values[i], rows[i].type, rows[i].effect, rows[i].name, rows[i].why, refusal);
    }
}
