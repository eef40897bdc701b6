#include "api/control_list.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_MODEL_NAME = 255 };

enum member_type { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_INTEGER, MEMBER_FIT, MEMBER_PREPROCESSOR };

/* The members; texts must be there. */
static const struct member {
    const char *name;
    enum member_type type;
    double low, high;
    size_t at; /* of a number: in struct ltd_control */
} members[] = {
    {"model", MEMBER_TEXT, 1, MAX_MODEL_NAME, 0},
    {"image", MEMBER_TEXT, 0, 0, 0},
    {"weight", MEMBER_NUMBER, -LTD_MAX_CONTROL_WEIGHT, LTD_MAX_CONTROL_WEIGHT,
     offsetof(struct ltd_control, weight)},
    {"start", MEMBER_NUMBER, 0, 1, offsetof(struct ltd_control, start)},
    {"end", MEMBER_NUMBER, 0, 1, offsetof(struct ltd_control, end)},
    {"resize", MEMBER_FIT, 0, 0, 0},
    {"preprocessor", MEMBER_PREPROCESSOR, 0, 0, 0},
    {"low_threshold", MEMBER_INTEGER, 0, LTD_MAX_CONTROL_THRESHOLD,
     offsetof(struct ltd_control, low_threshold)},
    {"high_threshold", MEMBER_INTEGER, 0, LTD_MAX_CONTROL_THRESHOLD,
     offsetof(struct ltd_control, high_threshold)},
};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

/* What one is that says nothing, with the first of each list of names; the thresholds are those of most
 * programs. */
static const struct ltd_control standard = {
    .weight = 1, .start = 0, .end = 1, .low_threshold = 100, .high_threshold = 200};

const struct ltd_control *control_standard(void)
{
    return &standard;
}

static double *number_of(struct ltd_control *control, const struct member *m)
{
    return (double *)(void *)((char *)control + m->at);
}

static int *integer_of(struct ltd_control *control, const struct member *m)
{
    return (int *)(void *)((char *)control + m->at);
}

static bool is_member(const char *key)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (strcmp(members[i].name, key) == 0)
            return true;
    return false;
}

__attribute__((format(printf, 3, 4))) static bool tell(struct control_wrong *wrong, const char *member,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(wrong->detail, sizeof wrong->detail, format, arguments);
    va_end(arguments);
    wrong->member = member;
    return false;
}

static bool read_text(const struct member *m, const struct ltd_json *json, const char **out,
                      struct control_wrong *wrong)
{
    const char *text = ltd_json_string(json);

    if (!text || !*text)
        return tell(wrong, m->name, "is missing; send %s",
                    m->high > 0 ? "the name of a ControlNet" : "base64 of a picture");
    if (m->high > 0 && strlen(text) > (size_t)m->high)
        return tell(wrong, m->name, "has %zu bytes; send at most %.0f", strlen(text), m->high);
    *out = text;
    return true;
}

static bool read_number(const struct member *m, const struct ltd_json *json, struct ltd_control *out,
                        struct control_wrong *wrong)
{
    const double number = ltd_json_number(json);
    int64_t integer = 0;

    if (ltd_json_type(json) != LTD_JSON_NUMBER ||
        (m->type == MEMBER_INTEGER && !ltd_json_int64(json, &integer)) ||
        !(number >= m->low && number <= m->high))
        return tell(wrong, m->name, "send %s from %g to %g, or leave it out",
                    m->type == MEMBER_INTEGER ? "an integer" : "a number", m->low, m->high);
    if (m->type == MEMBER_INTEGER)
        *integer_of(out, m) = (int)integer;
    else
        *number_of(out, m) = number;
    return true;
}

/* The names that a member may have, by number; NULL behind the last one. */
static const char *choice_name(const struct member *m, int i)
{
    if (m->type == MEMBER_FIT)
        return i < LTD_CONTROL_FIT_COUNT ? ltd_control_fit_name((enum ltd_control_fit)i) : NULL;
    return i < LTD_PREPROCESSOR_COUNT ? ltd_preprocessor_name((enum ltd_preprocessor)i) : NULL;
}

static bool read_choice(const struct member *m, const struct ltd_json *json, struct ltd_control *out,
                        struct control_wrong *wrong)
{
    const char *name = ltd_json_string(json), *known;
    char all[80] = "";
    int i = 0;

    for (; (known = choice_name(m, i)) && !(name && strcmp(name, known) == 0); i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", known);
    if (!known)
        return tell(wrong, m->name, "\"%.40s\" is not known; send one of %s", name ? name : "", all);
    if (m->type == MEMBER_FIT)
        out->fit = (enum ltd_control_fit)i;
    else
        out->preprocessor = (enum ltd_preprocessor)i;
    return true;
}

static bool read_member(const struct member *m, const struct ltd_json *json, struct ltd_control *out,
                        const char **image, struct control_wrong *wrong)
{
    if (m->type == MEMBER_TEXT)
        return read_text(m, json, m->high > 0 ? &out->model : image, wrong);
    if (!json)
        return true;
    if (m->type == MEMBER_FIT || m->type == MEMBER_PREPROCESSOR)
        return read_choice(m, json, out, wrong);
    return read_number(m, json, out, wrong);
}

bool control_read(const struct ltd_json *json, struct ltd_control *out, const char **image,
                  struct control_wrong *wrong)
{
    *out = standard;
    if (ltd_json_type(json) != LTD_JSON_OBJECT)
        return tell(wrong, "", "send an object with model and image");
    for (const struct ltd_json *m = ltd_json_first(json); m; m = ltd_json_next(m))
        if (!is_member(ltd_json_key(m)))
            return tell(
                wrong, "",
                "has \"%.40s\"; send model, image, weight, start, end, resize, preprocessor, low_threshold "
                "and high_threshold",
                ltd_json_key(m));
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (!read_member(&members[i], ltd_json_get(json, members[i].name), out, image, wrong))
            return false;
    if (out->preprocessor != LTD_PREPROCESSOR_CANNY &&
        (ltd_json_get(json, "low_threshold") || ltd_json_get(json, "high_threshold")))
        return tell(wrong, ltd_json_get(json, "low_threshold") ? "low_threshold" : "high_threshold",
                    "has a meaning only with the preprocessor canny; leave it out");
    if (out->start >= out->end)
        return tell(wrong, "end", "must be above start, which is %g", out->start);
    if (out->low_threshold > out->high_threshold)
        return tell(wrong, "high_threshold", "must not be below low_threshold, which is %d",
                    out->low_threshold);
    return true;
}

struct ltd_json *control_encode(const struct ltd_control *control)
{
    struct ltd_json *json = ltd_json_new_object();

    ltd_json_add(json, "model", ltd_json_new_string(control->model));
    ltd_json_add(json, "weight", ltd_json_new_number(control->weight));
    ltd_json_add(json, "start", ltd_json_new_number(control->start));
    ltd_json_add(json, "end", ltd_json_new_number(control->end));
    ltd_json_add(json, "resize", ltd_json_new_string(ltd_control_fit_name(control->fit)));
    ltd_json_add(json, "preprocessor", ltd_json_new_string(ltd_preprocessor_name(control->preprocessor)));
    if (control->preprocessor == LTD_PREPROCESSOR_CANNY) {
        ltd_json_add(json, "low_threshold", ltd_json_new_number(control->low_threshold));
        ltd_json_add(json, "high_threshold", ltd_json_new_number(control->high_threshold));
    }
    return json;
}

static struct ltd_json *member_schema(const struct member *m)
{
    static const char *const types[] = {"string", "number", "integer", "string", "string"};
    struct ltd_json *json = ltd_json_new_object(), *names;
    struct ltd_control values = standard;

    ltd_json_add(json, "type", ltd_json_new_string(types[m->type]));
    if (m->type == MEMBER_TEXT) {
        ltd_json_add(json, "minLength", ltd_json_new_number(1));
    } else if (m->type == MEMBER_FIT || m->type == MEMBER_PREPROCESSOR) {
        names = ltd_json_new_array();
        for (int i = 0; choice_name(m, i); i++)
            ltd_json_append(names, ltd_json_new_string(choice_name(m, i)));
        ltd_json_add(json, "enum", names);
        ltd_json_add(json, "default", ltd_json_new_string(choice_name(m, 0)));
    } else {
        ltd_json_add(json, "minimum", ltd_json_new_number(m->low));
        ltd_json_add(json, "maximum", ltd_json_new_number(m->high));
        ltd_json_add(json, "default",
                     ltd_json_new_number(m->type == MEMBER_INTEGER ? *integer_of(&values, m)
                                                                   : *number_of(&values, m)));
    }
    return json;
}

struct ltd_json *control_schema(void)
{
    struct ltd_json *schema = ltd_json_new_object(), *properties = ltd_json_new_object(),
                    *required = ltd_json_new_array();

    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        ltd_json_add(properties, members[i].name, member_schema(&members[i]));
        if (members[i].type == MEMBER_TEXT)
            ltd_json_append(required, ltd_json_new_string(members[i].name));
    }
    ltd_json_add(schema, "type", ltd_json_new_string("object"));
    ltd_json_add(schema, "properties", properties);
    ltd_json_add(schema, "required", required);
    ltd_json_add(schema, "additionalProperties", ltd_json_new_bool(false));
    return schema;
}
