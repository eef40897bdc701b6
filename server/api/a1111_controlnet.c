#include "api/a1111_controlnet.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/a1111_fields.h"
#include "api/control_list.h"
#include "api/fields.h"

#define SCRIPT "controlnet"

enum { PLACE_SIZE = 128 };
enum { CANNY_LEAST = 1, CANNY_MOST = 255 };

enum unit_field {
#define A1111_UNIT(id, ...) UNIT_##id,
#include "api/a1111_units.def"
#undef A1111_UNIT
    UNIT_FIELDS
};

/* Beside those of enum a1111_type. */
#define A1111_TYPE_ANY (-1)

static const struct row {
    const char *name;
    int type;
    enum a1111_effect effect;
    const char *why;
} rows[UNIT_FIELDS] = {
#define A1111_UNIT(id, name, type, effect, why) {name, A1111_TYPE_##type, A1111_##effect, why},
#include "api/a1111_units.def"
#undef A1111_UNIT
};

/* One unit that is read. */
struct unit {
    const struct a1111_controlnet_about *about;
    char place[PLACE_SIZE - 40]; /* "alwayson_scripts/controlnet/args/0" */
    struct a1111_value values[UNIT_FIELDS];
    struct ltd_json *control; /* what it becomes */
    a1111_note_fn *note;
    void *arg;
    struct a1111_refusal *refusal;
};

static const char *place_of(const struct unit *u, enum unit_field field, char place[PLACE_SIZE])
{
    snprintf(place, PLACE_SIZE, "%s/%s", u->place, rows[field].name);
    return place;
}

__attribute__((format(printf, 3, 4))) static void refuse(const struct unit *u, enum unit_field field,
                                                         const char *format, ...)
{
    char place[PLACE_SIZE], text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    a1111_refuse_value(u->refusal, place_of(u, field, place), "value_error", "%s", text);
}

static void add(struct unit *u, const char *member, struct ltd_json *value)
{
    ltd_json_add(u->control, member, value);
}

static void read_field(struct unit *u, const struct ltd_json *member)
{
    char place[PLACE_SIZE];
    int i = 0;

    while (i < UNIT_FIELDS && strcmp(rows[i].name, ltd_json_key(member)) != 0)
        i++;
    if (i == UNIT_FIELDS) {
        u->note(u->arg, ltd_json_key(member), "is no field of a ControlNet unit here, and was ignored");
        return;
    }
    u->values[i].json = member;
    if (rows[i].type == A1111_TYPE_ANY)
        u->values[i].present = ltd_json_type(member) != LTD_JSON_NULL;
    else if (a1111_value_read(member, (enum a1111_type)rows[i].type, place_of(u, (enum unit_field)i, place),
                              &u->values[i], u->refusal))
        a1111_value_check(&u->values[i], (enum a1111_type)rows[i].type, rows[i].effect, place, rows[i].why,
                          u->refusal);
}

/* The number of a name in a list, or the number itself, as older clients send it; -1: neither. */
static int find_choice(const struct ltd_json *json, const char *const *names, int count)
{
    const char *text = ltd_json_string(json);
    int64_t number;

    if (ltd_json_int64(json, &number))
        return number >= 0 && number < count ? (int)number : -1;
    for (int i = 0; text && i < count; i++)
        if (strcasecmp(names[i], text) == 0)
            return i;
    return -1;
}

/* A field that may say one thing alone, by name or as 0. */
static void check_only(struct unit *u, enum unit_field field, const char *name)
{
    if (u->values[field].present && find_choice(u->values[field].json, &name, 1) < 0)
        refuse(u, field, "only \"%s\" is built", name);
}

static void take_module(struct unit *u)
{
    const char *text = u->values[UNIT_MODULE].text;
    char shown[FIELD_SHOWN_SIZE];

    if (!text || !*text)
        text = ltd_preprocessor_name(LTD_PREPROCESSOR_NONE);
    if (ltd_preprocessor_find(text) < 0)
        refuse(u, UNIT_MODULE,
               "\"%s\" is not built; send none or canny, and with none a picture that is a map "
               "already",
               field_shown(shown, text));
    else
        add(u, "preprocessor", ltd_json_new_string(text));
}

static bool is_canny(const struct unit *u)
{
    const char *text = ltd_json_string(ltd_json_get(u->control, "preprocessor"));

    return text && ltd_preprocessor_find(text) == LTD_PREPROCESSOR_CANNY;
}

static void take_model(struct unit *u)
{
    const char *text = u->values[UNIT_MODEL].text, *bracket = text ? strstr(text, " [") : NULL;
    const size_t length = !text ? 0 : bracket ? (size_t)(bracket - text) : strlen(text);
    char shown[FIELD_SHOWN_SIZE];

    if (length == 0 || strcasecmp(text, "none") == 0) {
        refuse(u, UNIT_MODEL, "no ControlNet is named; GET /controlnet/model_list lists them");
        return;
    }
    for (size_t i = 0; i < ltd_model_control_net_count(u->about->model); i++) {
        const char *name = ltd_model_control_net(u->about->model, i).name;

        if (strlen(name) == length && strncasecmp(name, text, length) == 0) {
            add(u, "model", ltd_json_new_string(name));
            return;
        }
    }
    refuse(u, UNIT_MODEL, "\"%s\" is none of this model's ControlNets; GET /controlnet/model_list lists them",
           field_shown(shown, text));
}

/* The picture of a text, or of {image, mask}; NULL: there is none, or it is refused. */
static const char *image_of(struct unit *u, enum unit_field field)
{
    const struct ltd_json *json = u->values[field].present ? u->values[field].json : NULL;
    const char *mask = ltd_json_string(ltd_json_get(json, "mask"));

    if (ltd_json_type(json) == LTD_JSON_OBJECT) {
        if (mask && *mask)
            refuse(u, field, "has a mask: %s", rows[UNIT_MASK].why);
        json = ltd_json_get(json, "image");
    }
    if (json && !ltd_json_string(json) && ltd_json_type(json) != LTD_JSON_NULL)
        refuse(u, field, "is %s; send a picture as base64, or {image}",
               ltd_json_type_name(ltd_json_type(json)));
    return ltd_json_string(json);
}

static void take_image(struct unit *u)
{
    static const char *const modes[LTD_CONTROL_FIT_COUNT] = {"Just Resize", "Crop and Resize",
                                                             "Resize and Fill"};
    static const char *const older[LTD_CONTROL_FIT_COUNT] = {"Just Resize", "Scale to Fit (Inner Fit)",
                                                             "Envelope (Outer Fit)"};
    const struct a1111_value *mode = &u->values[UNIT_RESIZE_MODE];
    const int count = u->refusal->count;
    const char *text = image_of(u, UNIT_IMAGE);
    int fit = LTD_CONTROL_CROP;

    if (!text || !*text)
        text = image_of(u, UNIT_INPUT_IMAGE);
    if (mode->present) {
        fit = find_choice(mode->json, modes, LTD_CONTROL_FIT_COUNT);
        fit = fit < 0 ? find_choice(mode->json, older, LTD_CONTROL_FIT_COUNT) : fit;
    }
    if (fit < 0) {
        refuse(u, UNIT_RESIZE_MODE, "send 0 or %s, 1 or %s, 2 or %s", modes[0], modes[1], modes[2]);
        return;
    }
    if (!text || !*text) {
        text = u->about->init_image;
        fit = LTD_CONTROL_STRETCH; /* as the init image is */
    }
    if (text) {
        add(u, "image", ltd_json_new_string(text));
        add(u, "resize", ltd_json_new_string(ltd_control_fit_name((enum ltd_control_fit)fit)));
    } else if (u->refusal->count == count) {
        refuse(u, UNIT_IMAGE, "is missing: the unit is enabled, but no picture is given");
    }
}

/* A threshold of canny, of which one below 0 is the standard one; -1, which is told: it is wrong. */
static int threshold_of(struct unit *u, enum unit_field field, int standard)
{
    const struct a1111_value *value = &u->values[field];

    if (!value->present || value->number < 0)
        return standard;
    if (value->number >= CANNY_LEAST && value->number <= CANNY_MOST && value->number == floor(value->number))
        return (int)value->number;
    refuse(u, field, "is %g; send an integer from %d to %d, or -1 for the standard one", value->number,
           CANNY_LEAST, CANNY_MOST);
    return -1;
}

/* They may stand in either order, as OpenCV takes them. */
static void take_edges(struct unit *u)
{
    const struct a1111_value *resolution = &u->values[UNIT_PROCESSOR_RES];
    int low, high;

    if (!is_canny(u))
        return;
    low = threshold_of(u, UNIT_THRESHOLD_A, control_standard()->low_threshold);
    high = threshold_of(u, UNIT_THRESHOLD_B, control_standard()->high_threshold);
    if (low < 0 || high < 0)
        return;
    add(u, "low_threshold", ltd_json_new_number(low < high ? low : high));
    add(u, "high_threshold", ltd_json_new_number(low < high ? high : low));
    if (resolution->present && resolution->number > 0 && !u->values[UNIT_PIXEL_PERFECT].truth)
        u->note(u->arg, rows[UNIT_PROCESSOR_RES].name,
                "edges are looked for at the size that they are drawn at, as with pixel_perfect");
}

static void take_numbers(struct unit *u)
{
    static const struct {
        enum unit_field field, older;
        const char *member;
        double most;
    } numbers[] = {{UNIT_WEIGHT, UNIT_WEIGHT, "weight", 2},
                   {UNIT_GUIDANCE_START, UNIT_GUIDANCE_START, "start", 1},
                   {UNIT_GUIDANCE_END, UNIT_GUIDANCE, "end", 1}};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const enum unit_field field =
            u->values[numbers[i].field].present ? numbers[i].field : numbers[i].older;
        const struct a1111_value *value = &u->values[field];

        if (!value->present)
            continue;
        if (value->number >= 0 && value->number <= numbers[i].most)
            add(u, numbers[i].member, ltd_json_new_number(value->number));
        else
            refuse(u, field, "is %g; send 0 to %g", value->number, numbers[i].most);
    }
}

static bool is_off(const struct ltd_json *enabled)
{
    return (ltd_json_type(enabled) == LTD_JSON_BOOL && !ltd_json_bool(enabled)) ||
           (ltd_json_type(enabled) == LTD_JSON_NUMBER && ltd_json_number(enabled) == 0);
}

/* NULL: it is off, or wrong, or no memory. */
static struct ltd_json *take_unit(struct unit *u, const struct ltd_json *json)
{
    const int count = u->refusal->count;

    if (ltd_json_type(json) != LTD_JSON_OBJECT) {
        a1111_refuse_value(u->refusal, u->place, "type_error.dict", "is %s; send an object",
                           ltd_json_type_name(ltd_json_type(json)));
        return NULL;
    }
    if (is_off(ltd_json_get(json, rows[UNIT_ENABLED].name)))
        return NULL;
    for (const struct ltd_json *member = ltd_json_first(json); member; member = ltd_json_next(member))
        read_field(u, member);
    u->control = ltd_json_new_object();
    take_model(u);
    take_image(u);
    take_numbers(u);
    take_module(u);
    take_edges(u);
    check_only(u, UNIT_CONTROL_MODE, "Balanced");
    check_only(u, UNIT_HR_OPTION, "Both");
    check_only(u, UNIT_INPUT_MODE, "simple");
    if (u->refusal->count == count)
        return u->control;
    ltd_json_free(u->control);
    return NULL;
}

static void take_units(const struct ltd_json *script, struct ltd_json *controls, const struct unit *begin)
{
    const struct ltd_json *units = ltd_json_get(script, "args");
    int i = 0;

    if (ltd_json_type(units) != LTD_JSON_ARRAY) {
        a1111_refuse_value(begin->refusal, "alwayson_scripts/" SCRIPT "/args", "type_error.list",
                           "send an array of units");
        return;
    }
    for (const struct ltd_json *json = ltd_json_first(units); json; json = ltd_json_next(json), i++) {
        struct unit u = *begin;
        struct ltd_json *control;

        snprintf(u.place, sizeof u.place, "alwayson_scripts/" SCRIPT "/args/%d", i);
        control = ltd_json_type(json) == LTD_JSON_NULL ? NULL : take_unit(&u, json);
        if (control)
            ltd_json_append(controls, control);
    }
}

struct ltd_json *a1111_controlnet_take(const struct ltd_json *scripts,
                                       const struct a1111_controlnet_about *about, a1111_note_fn *note,
                                       void *arg, struct a1111_refusal *refusal)
{
    const struct unit begin = {.about = about, .note = note, .arg = arg, .refusal = refusal};
    struct ltd_json *controls = ltd_json_new_array();
    char shown[FIELD_SHOWN_SIZE];

    for (const struct ltd_json *script = ltd_json_first(scripts); script; script = ltd_json_next(script))
        if (strcasecmp(ltd_json_key(script), SCRIPT) == 0)
            take_units(script, controls, &begin);
        else
            a1111_refuse_value(refusal, "alwayson_scripts", "value_error",
                               "%s: always on script not found: ControlNet is the only one here",
                               field_shown(shown, ltd_json_key(script)));
    if (ltd_json_first(controls))
        return controls;
    ltd_json_free(controls);
    return NULL;
}

struct ltd_json *a1111_controlnet_models(const struct ltd_model *model)
{
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_model_control_net_count(model); i++) {
        const struct ltd_control_net_info net = ltd_model_control_net(model, i);

        if (!net.refused)
            ltd_json_append(list, ltd_json_new_string(net.name));
    }
    ltd_json_add(json, "model_list", list);
    return json;
}

static void add_slider(struct ltd_json *sliders, const char *name, int value)
{
    struct ltd_json *slider = ltd_json_new_object();

    ltd_json_add(slider, "name", ltd_json_new_string(name));
    ltd_json_add(slider, "value", ltd_json_new_number(value));
    ltd_json_add(slider, "min", ltd_json_new_number(CANNY_LEAST));
    ltd_json_add(slider, "max", ltd_json_new_number(CANNY_MOST));
    ltd_json_append(sliders, slider);
}

struct ltd_json *a1111_controlnet_modules(void)
{
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_array(),
                    *details = ltd_json_new_object();

    for (int i = 0; i < LTD_PREPROCESSOR_COUNT; i++) {
        const char *name = ltd_preprocessor_name((enum ltd_preprocessor)i);
        struct ltd_json *detail = ltd_json_new_object(), *sliders = ltd_json_new_array();

        if (i == LTD_PREPROCESSOR_CANNY) {
            add_slider(sliders, "Canny Low Threshold", control_standard()->low_threshold);
            add_slider(sliders, "Canny High Threshold", control_standard()->high_threshold);
        }
        ltd_json_add(detail, "model_free", ltd_json_new_bool(false));
        ltd_json_add(detail, "sliders", sliders);
        ltd_json_append(list, ltd_json_new_string(name));
        ltd_json_add(details, name, detail);
    }
    ltd_json_add(json, "module_list", list);
    ltd_json_add(json, "module_detail", details);
    return json;
}
