#include "api/a1111_options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/a1111_fields.h"
#include "api/fields.h"

enum effect { HONOURED, INERT, FIXED };

struct row {
    const char *name;
    enum a1111_type type;
    const char *standard;
    enum effect effect;
    const char *why;
};

static const struct row rows[] = {
#define A1111_OPTION(name, type, standard, effect, why) {name, A1111_TYPE_##type, standard, effect, why},
#include "api/a1111_options.def"
#undef A1111_OPTION
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static const char checkpoint[] = "sd_model_checkpoint", hash[] = "sd_checkpoint_hash", vae[] = "sd_vae",
                  layers[] = "CLIP_stop_at_last_layers", format[] = "samples_format",
                  quality[] = "jpeg_quality", lossless[] = "webp_lossless";

struct taker {
    struct a1111_settings before, *settings;
    enum a1111_options_use use;
    const struct a1111_catalog *catalog;
    a1111_note_fn *note;
    void *note_arg;
    struct a1111_refusal *refusal;
};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static struct ltd_json *standard_of(const struct row *row)
{
    struct ltd_json *json = NULL;

    return ltd_json_parse(row->standard, strlen(row->standard), &ltd_json_request_limits, &json, NULL) ==
                   LTD_OK
               ? json
               : NULL;
}

static void take_checkpoint(const struct taker *t, const char *place, const char *text)
{
    const int found = a1111_model_find(t->catalog, text);
    const struct ltd_model *model;
    struct ltd_error error;
    char shown[FIELD_SHOWN_SIZE];

    if (found >= 0 && model_set_ask(t->catalog->models, (size_t)found, &model, &error) == LTD_OK)
        t->settings->model = (size_t)found;
    else if (found >= 0)
        a1111_refuse_value(t->refusal, place, "value_error", "cannot be loaded: %s", error.message);
    else if (*text)
        a1111_refuse_value(t->refusal, place, "value_error",
                           "\"%s\" is not served here; GET /sdapi/v1/sd-models lists what is",
                           field_shown(shown, text));
}

/* All models have their own, or all have the one of --vae. */
static void take_vae(const struct taker *t, const char *place, const char *text)
{
    const char *separate = a1111_vae_name(t->catalog);
    char shown[FIELD_SHOWN_SIZE];

    if (!*text || strcasecmp(text, "automatic") == 0 || strcmp(text, separate) == 0)
        return;
    if (strcasecmp(text, "none") != 0)
        a1111_refuse_value(t->refusal, place, "value_error",
                           "there is no VAE \"%s\"; send Automatic, or what GET /sdapi/v1/sd-vae lists",
                           field_shown(shown, text));
    else if (*separate)
        t->note(t->note_arg, vae,
                "None was read as Automatic: a VAE stands in place of the models' own here");
}

static void take_layers(const struct taker *t, const char *place, double number)
{
    const struct model_set *models = t->catalog->models;
    const int most = ltd_model_info(model_set_shapes(models, t->settings->model))->text_layers;

    if (t->use == A1111_STANDING && number == a1111_layers_told(&t->before, models))
        return;
    if (number >= 1 && number <= most)
        t->settings->stop_at_last_layers = (int)number;
    else
        a1111_refuse_value(t->refusal, place, "value_error",
                           "is %g; send an integer from 1 to %d, 1 for all layers", number, most);
}

static void take_format(const struct taker *t, const char *place, const char *text)
{
    const int found = ltd_picture_format_find(text);
    char shown[FIELD_SHOWN_SIZE];

    if (found >= 0)
        t->settings->format = (enum ltd_picture_format)found;
    else
        a1111_refuse_value(t->refusal, place, "value_error",
                           "\"%s\" is not written here; send png, jpg or webp", field_shown(shown, text));
}

static void take_quality(const struct taker *t, const char *place, double number)
{
    if (number >= 1 && number <= LTD_PICTURE_MAX_QUALITY)
        t->settings->jpeg_quality = (int)number;
    else
        a1111_refuse_value(t->refusal, place, "value_error", "is %g; send an integer from 1 to %d", number,
                           LTD_PICTURE_MAX_QUALITY);
}

/* Whether a value is the one that an option is fixed at. */
static bool is_standard(const struct row *row, const struct a1111_value *value)
{
    struct ltd_json *standard = standard_of(row);
    bool same = false;

    if (row->type == A1111_TYPE_TEXT)
        same = standard && strcasecmp(ltd_json_string(standard), value->text) == 0;
    else if (row->type == A1111_TYPE_BOOL)
        same = standard && ltd_json_bool(standard) == value->truth;
    else
        same = standard && ltd_json_number(standard) == value->number;
    ltd_json_free(standard);
    return same;
}

static void take_option(const struct taker *t, const struct row *row, const char *place,
                        const struct ltd_json *json)
{
    struct a1111_value value = {0};

    if (row->effect == INERT || !a1111_value_read(json, row->type, place, &value, t->refusal) ||
        !value.present)
        return;
    if (row->effect == FIXED) {
        if (!is_standard(row, &value))
            a1111_refuse_value(t->refusal, place, "value_error", "%s; leave it at %s", row->why,
                               row->standard);
    } else if (strcmp(row->name, checkpoint) == 0) {
        take_checkpoint(t, place, value.text);
    } else if (strcmp(row->name, vae) == 0) {
        take_vae(t, place, value.text);
    } else if (strcmp(row->name, format) == 0) {
        take_format(t, place, value.text);
    } else if (strcmp(row->name, quality) == 0) {
        take_quality(t, place, value.number);
    } else if (strcmp(row->name, lossless) == 0) {
        t->settings->webp_lossless = value.truth;
    } else {
        take_layers(t, place, value.number);
    }
}

void a1111_settings_take(struct a1111_settings *settings, const struct ltd_json *options,
                         enum a1111_options_use use, const char *where, const struct a1111_catalog *catalog,
                         a1111_note_fn *note, void *arg, struct a1111_refusal *refusal)
{
    const struct taker t = {*settings, settings, use, catalog, note, arg, refusal};
    const struct ltd_json *first = ltd_json_get(options, checkpoint);
    char place[128];

    /* How many layers there are depends on the model. */
    snprintf(place, sizeof place, "%s%s", where, checkpoint);
    if (first)
        take_option(&t, find_row(checkpoint), place, first);
    for (const struct ltd_json *member = ltd_json_first(options); member; member = ltd_json_next(member)) {
        const struct row *row = find_row(ltd_json_key(member));

        if (member == first)
            continue;
        if (row) {
            snprintf(place, sizeof place, "%s%s", where, row->name);
            take_option(&t, row, place, member);
        } else {
            note(arg, ltd_json_key(member), "is no option here, and was ignored");
        }
    }
}

int a1111_layers_told(const struct a1111_settings *settings, const struct model_set *models)
{
    if (settings->stop_at_last_layers > 0)
        return settings->stop_at_last_layers;
    return ltd_params_default(model_set_shapes(models, settings->model)).clip_skip + 1;
}

static int quality_told(const struct a1111_settings *settings)
{
    return settings->jpeg_quality > 0 ? settings->jpeg_quality : A1111_JPEG_QUALITY;
}

struct ltd_json *a1111_output_encode(const struct a1111_settings *settings)
{
    struct ltd_json *json = ltd_json_new_object();
    const bool loses_nothing = settings->format == LTD_PICTURE_WEBP && settings->webp_lossless;

    ltd_json_add(json, "format", ltd_json_new_string(ltd_picture_format_name(settings->format)));
    if (loses_nothing)
        ltd_json_add(json, "lossless", ltd_json_new_bool(true));
    else if (settings->format != LTD_PICTURE_PNG)
        ltd_json_add(json, "quality", ltd_json_new_number(quality_told(settings)));
    return json;
}

struct ltd_json *a1111_options_encode(const struct a1111_settings *settings,
                                      const struct a1111_catalog *catalog)
{
    struct ltd_json *json = ltd_json_new_object();
    char title[A1111_TITLE_SIZE];

    for (size_t i = 0; i < ROWS; i++) {
        const char *name = rows[i].name;

        if (strcmp(name, checkpoint) == 0)
            ltd_json_add(json, name, ltd_json_new_string(a1111_title(catalog, settings->model, title)));
        else if (strcmp(name, hash) == 0)
            ltd_json_add(json, name, a1111_hash_encode(catalog, settings->model, SHA256_TEXT_SIZE - 1));
        else if (strcmp(name, vae) == 0 && *a1111_vae_name(catalog))
            ltd_json_add(json, name, ltd_json_new_string(a1111_vae_name(catalog)));
        else if (strcmp(name, format) == 0)
            ltd_json_add(json, name, ltd_json_new_string(ltd_picture_format_ending(settings->format)));
        else if (strcmp(name, quality) == 0)
            ltd_json_add(json, name, ltd_json_new_number(quality_told(settings)));
        else if (strcmp(name, lossless) == 0)
            ltd_json_add(json, name, ltd_json_new_bool(settings->webp_lossless));
        else if (strcmp(name, layers) == 0)
            ltd_json_add(json, name, ltd_json_new_number(a1111_layers_told(settings, catalog->models)));
        else if (*rows[i].standard)
            ltd_json_add(json, name, standard_of(&rows[i]));
    }
    return json;
}
