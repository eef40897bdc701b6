#include "api/fields.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <latentd/params.h>

#include "api/control_list.h"
#include "util/edit_distance.h"

/* Of a file's name. */
#define MAX_LORA_NAME 255

const char *field_shown(char shown[FIELD_SHOWN_SIZE], const char *text)
{
    size_t length = strlen(text);

    if (length > 64) {
        length = 64;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        snprintf(shown, FIELD_SHOWN_SIZE, "%.*s...", (int)length, text);
    } else {
        memcpy(shown, text, length + 1);
    }
    return shown;
}

__attribute__((format(printf, 4, 0))) static void add_finding(struct field_value *value,
                                                              struct problem *problem, const char *pointer,
                                                              const char *format, va_list arguments)
{
    char detail[512];

    vsnprintf(detail, sizeof detail, format, arguments);
    problem_add(problem, pointer, detail);
    value->wrong = true;
    value->present = false;
}

void field_wrong(struct field_value values[FIELD_ID_COUNT], enum field_id id, struct problem *problem,
                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_finding(&values[id], problem, field_of(id)->pointer, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 4, 5))) static void
field_wrong_at(const struct field_reader *r, enum field_id id, const char *pointer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_finding(&r->values[id], r->problem, pointer, format, arguments);
    va_end(arguments);
}

static void read_text(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    const char *text = ltd_json_string(json);
    const size_t length = strlen(text), max = (size_t)field_high(id, r->limits);

    if (max > 0 && length > max)
        field_wrong(r->values, id, r->problem, "has %zu bytes; send at most %zu", length, max);
    else
        r->values[id].text = text;
}

static void read_seed(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    if (!ltd_json_uint64(json, &r->values[id].seed))
        field_wrong(
            r->values, id, r->problem,
            "send an integer from 0 to 18446744073709551615, without fraction or exponent; leave it out "
            "to have one drawn");
}

static void read_integer(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    const int64_t low = (int64_t)field_of(id)->low, high = (int64_t)field_high(id, r->limits);
    int64_t number;

    if (!ltd_json_int64(json, &number))
        field_wrong(r->values, id, r->problem,
                    "send an integer from %lld to %lld, without fraction or exponent", (long long)low,
                    (long long)high);
    else if (number < low || number > high || number > INT_MAX)
        field_wrong(r->values, id, r->problem, "is %lld; send an integer from %lld to %lld",
                    (long long)number, (long long)low, (long long)high);
    else
        r->values[id].integer = (int)number;
}

static void read_number(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    const double low = field_of(id)->low, high = field_high(id, r->limits);
    const bool above = field_of(id)->type == FIELD_TYPE_SHARE;
    const double number = ltd_json_number(json);

    if (number <= high && (above ? number > low : number >= low))
        r->values[id].number = number;
    else
        field_wrong(r->values, id, r->problem, "is %g; send a number %s %g%s %g", number,
                    above ? "above" : "from", low, above ? ", at most" : " to", high);
}

static void read_texts(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    const size_t most = (size_t)field_of(id)->low, max = (size_t)field_high(id, r->limits);
    char pointer[64];
    int index = 0;

    if (ltd_json_size(json) > most)
        field_wrong(r->values, id, r->problem, "has %zu texts; send at most %zu", ltd_json_size(json), most);
    for (const struct ltd_json *item = ltd_json_first(json); item && !r->values[id].wrong;
         item = ltd_json_next(item), index++) {
        const char *text = ltd_json_string(item);

        if (text && *text && strlen(text) <= max)
            continue;
        snprintf(pointer, sizeof pointer, "%s/%d", field_of(id)->pointer, index);
        field_wrong_at(r, id, pointer, "send a text of 1 to %zu bytes", max);
    }
    r->values[id].list = json;
}

/* One number of an adapter, if it is there. */
static bool weight_is_right(const struct ltd_json *json, double high)
{
    return !json || (ltd_json_type(json) == LTD_JSON_NUMBER && ltd_json_number(json) >= -high &&
                     ltd_json_number(json) <= high);
}

/* The first member that an adapter has not; NULL: there is none. */
static const char *strange_member(const struct ltd_json *lora)
{
    for (const struct ltd_json *m = ltd_json_first(lora); m; m = ltd_json_next(m))
        if (strcmp(ltd_json_key(m), "name") != 0 && strcmp(ltd_json_key(m), "weight") != 0 &&
            strcmp(ltd_json_key(m), "text_weight") != 0)
            return ltd_json_key(m);
    return NULL;
}

static void read_lora(const struct field_reader *r, enum field_id id, const char *pointer,
                      const struct ltd_json *json)
{
    const double high = field_high(id, r->limits);
    const struct ltd_json *member =
        ltd_json_type(json) == LTD_JSON_OBJECT ? ltd_json_get(json, "name") : NULL;
    const char *name = member ? ltd_json_string(member) : NULL;
    char shown[FIELD_SHOWN_SIZE];

    if (!name || !*name || strlen(name) > MAX_LORA_NAME)
        field_wrong_at(r, id, pointer, "send an object with a name of 1 to %d bytes", MAX_LORA_NAME);
    else if (!weight_is_right(ltd_json_get(json, "weight"), high) ||
             !weight_is_right(ltd_json_get(json, "text_weight"), high))
        field_wrong_at(r, id, pointer, "send weight and text_weight from -%g to %g, or leave them out", high,
                       high);
    else if (strange_member(json))
        field_wrong_at(r, id, pointer, "has \"%s\"; send name, weight and text_weight",
                       field_shown(shown, strange_member(json)));
}

static void read_control(const struct field_reader *r, enum field_id id, const char *pointer,
                         const struct ltd_json *item)
{
    struct control_wrong wrong;
    struct ltd_control control;
    const char *image;
    char at[96];

    if (control_read(item, &control, &image, &wrong))
        return;
    snprintf(at, sizeof at, "%s%s%s", pointer, *wrong.member ? "/" : "", wrong.member);
    field_wrong_at(r, id, at, "%s", wrong.detail);
}

typedef void read_item_fn(const struct field_reader *r, enum field_id id, const char *pointer,
                          const struct ltd_json *item);

/* Reads the items up to the first wrong one. */
static void read_list(const struct field_reader *r, enum field_id id, const struct ltd_json *json,
                      const char *what, read_item_fn *read_item)
{
    const size_t most = (size_t)field_of(id)->low;
    char pointer[64];
    int index = 0;

    if (ltd_json_size(json) > most)
        field_wrong(r->values, id, r->problem, "has %zu %s; send at most %zu", ltd_json_size(json), what,
                    most);
    for (const struct ltd_json *item = ltd_json_first(json); item && !r->values[id].wrong;
         item = ltd_json_next(item), index++) {
        snprintf(pointer, sizeof pointer, "%s/%d", field_of(id)->pointer, index);
        read_item(r, id, pointer, item);
    }
    r->values[id].list = json;
}

static void list_names(char *out, size_t size, field_names_fn *names)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; names(i) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names(i));
}

/* The index of a word among the names of a field; -1: it is none, which is told at the pointer. */
static int find_name(const struct field_reader *r, enum field_id id, const char *pointer, const char *text)
{
    const char *near = NULL;
    char all[200], shown[FIELD_SHOWN_SIZE];

    for (int i = 0; field_of(id)->names(i); i++) {
        if (strcmp(field_of(id)->names(i), text) == 0)
            return i;
        if (!near && edit_distance_is_near(text, field_of(id)->names(i)))
            near = field_of(id)->names(i);
    }
    list_names(all, sizeof all, field_of(id)->names);
    field_wrong_at(r, id, pointer, "\"%s\" is not known%s%s%s; send one of %s", field_shown(shown, text),
                   near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "", all);
    return -1;
}

static void read_names(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    char pointer[64];
    int index = 0;

    if (ltd_json_size(json) == 0)
        field_wrong(r->values, id, r->problem, "is empty; leave it out");
    for (const struct ltd_json *item = ltd_json_first(json); item; item = ltd_json_next(item), index++) {
        const char *text = ltd_json_string(item);
        int found;

        snprintf(pointer, sizeof pointer, "%s/%d", field_of(id)->pointer, index);
        found = find_name(r, id, pointer, text ? text : "");
        if (found >= 0 && r->values[id].words & 1u << found)
            field_wrong_at(r, id, pointer, "stands there twice");
        if (found >= 0)
            r->values[id].words |= 1u << found;
        if (r->values[id].wrong)
            return;
    }
}

static enum ltd_json_type json_type_of(enum field_type type)
{
    switch (type) {
    case FIELD_TYPE_SEED:
    case FIELD_TYPE_INTEGER:
    case FIELD_TYPE_SIDE:
    case FIELD_TYPE_NUMBER:
    case FIELD_TYPE_SHARE:
        return LTD_JSON_NUMBER;
    case FIELD_TYPE_TEXTS:
    case FIELD_TYPE_NAMES:
    case FIELD_TYPE_LORAS:
    case FIELD_TYPE_CONTROLS:
        return LTD_JSON_ARRAY;
    case FIELD_TYPE_OBJECT:
        return LTD_JSON_OBJECT;
    case FIELD_TYPE_BOOL:
        return LTD_JSON_BOOL;
    case FIELD_TYPE_TEXT:
    case FIELD_TYPE_NAME:
    case FIELD_TYPE_IMAGE:
        break;
    }
    return LTD_JSON_STRING;
}

static void read_members(const struct field_reader *r, const struct ltd_json *object, const char *parent);

static void read_field(const struct field_reader *r, enum field_id id, const struct ltd_json *json)
{
    const enum ltd_json_type wanted = json_type_of(field_of(id)->type);

    if (ltd_json_type(json) != wanted) {
        field_wrong(r->values, id, r->problem, "is %s; send %s, or leave the field out",
                    ltd_json_type_name(ltd_json_type(json)), ltd_json_type_name(wanted));
        return;
    }
    r->values[id].present = true; /* until something is found wrong */
    switch (field_of(id)->type) {
    case FIELD_TYPE_TEXT:
        read_text(r, id, json);
        break;
    case FIELD_TYPE_TEXTS:
        read_texts(r, id, json);
        break;
    case FIELD_TYPE_SEED:
        read_seed(r, id, json);
        break;
    case FIELD_TYPE_INTEGER:
    case FIELD_TYPE_SIDE:
        read_integer(r, id, json);
        break;
    case FIELD_TYPE_NUMBER:
    case FIELD_TYPE_SHARE:
        read_number(r, id, json);
        break;
    case FIELD_TYPE_NAME:
        r->values[id].integer = find_name(r, id, field_of(id)->pointer, ltd_json_string(json));
        break;
    case FIELD_TYPE_NAMES:
        read_names(r, id, json);
        break;
    case FIELD_TYPE_IMAGE:
        r->values[id].text = ltd_json_string(json);
        break;
    case FIELD_TYPE_LORAS:
        read_list(r, id, json, "adapters", read_lora);
        break;
    case FIELD_TYPE_CONTROLS:
        read_list(r, id, json, "controls", read_control);
        break;
    case FIELD_TYPE_OBJECT:
        read_members(r, json, field_of(id)->name);
        break;
    case FIELD_TYPE_BOOL:
        r->values[id].truth = ltd_json_bool(json);
        break;
    }
}

static bool is_word_of(const char *words, const char *word)
{
    const size_t length = strlen(word);

    while (*words) {
        const size_t each = strcspn(words, " ");

        if (each == length && strncmp(words, word, length) == 0)
            return true;
        words += each;
        words += *words == ' ';
    }
    return false;
}

static const char *suggestion(const char *parent, const char *key)
{
    const char *near = NULL;

    for (int id = 0; id < FIELD_ID_COUNT; id++) {
        const struct field *field = field_of((enum field_id)id);

        if (is_word_of(field->also, key))
            return field->pointer;
        if (!near && strcmp(field->parent, parent) == 0 && edit_distance_is_near(key, field->name))
            near = field->pointer;
    }
    return near;
}

/* Escapes ~ and / as RFC 6901 says. */
static void point_to(char *out, size_t size, const char *parent, const char *key)
{
    size_t used = (size_t)snprintf(out, size, "%s%s/", *parent ? "/" : "", parent);

    for (; *key && used + 3 < size; key++) {
        if (*key == '~' || *key == '/') {
            out[used++] = '~';
            out[used++] = *key == '~' ? '0' : '1';
        } else {
            out[used++] = *key;
        }
    }
    out[used] = '\0';
}

static void refuse_unknown(const struct field_reader *r, const char *parent, const char *key)
{
    const char *near = suggestion(parent, key);
    char pointer[2 * FIELD_SHOWN_SIZE + 32], shown[FIELD_SHOWN_SIZE], detail[160];

    point_to(pointer, sizeof pointer, parent, field_shown(shown, key));
    snprintf(detail, sizeof detail, "is not a field%s%s%s%s", r->unknown ? ", and was left out" : "",
             near ? "; did you mean " : "", near ? near : "",
             near         ? "?"
             : r->unknown ? ""
                          : "; leave it out");
    if (r->unknown)
        r->unknown(r->arg, pointer, detail);
    else
        problem_add(r->problem, pointer, detail);
}

/* FIELD_ID_COUNT: there is none. */
static enum field_id find_field(const char *parent, const char *name)
{
    for (int id = 0; id < FIELD_ID_COUNT; id++) {
        const struct field *field = field_of((enum field_id)id);

        if (strcmp(field->name, name) == 0 && strcmp(field->parent, parent) == 0)
            return (enum field_id)id;
    }
    return FIELD_ID_COUNT;
}

static void read_members(const struct field_reader *r, const struct ltd_json *object, const char *parent)
{
    for (const struct ltd_json *member = ltd_json_first(object); member; member = ltd_json_next(member)) {
        const enum field_id id = find_field(parent, ltd_json_key(member));

        if (id < FIELD_ID_COUNT)
            read_field(r, id, member);
        else
            refuse_unknown(r, parent, ltd_json_key(member));
    }
}

void fields_read(const struct field_reader *reader, const struct ltd_json *document)
{
    memset(reader->values, 0, FIELD_ID_COUNT * sizeof *reader->values);
    read_members(reader, document, "");
}
