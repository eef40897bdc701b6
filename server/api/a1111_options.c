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
                  layers[] = "CLIP_stop_at_last_layers";

struct taker {
    struct a1111_settings before, *settings;
    enum a1111_options_use use;
    const struct a1111_catalog *catalog;
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
    char shown[FIELD_SHOWN_SIZE];

    if (found >= 0)
        t->settings->model = (size_t)found;
    else if (*text)
        a1111_refuse_value(t->refusal, place, "value_error",
                           "\"%s\" is not served here; GET /sdapi/v1/sd-models lists what is",
                           field_shown(shown, text));
}

static void take_vae(const struct taker *t, const char *place, const char *text)
{
    char shown[FIELD_SHOWN_SIZE];

    if (*text && strcasecmp(text, "none") != 0 && strcasecmp(text, "automatic") != 0)
        a1111_refuse_value(t->refusal, place, "value_error",
                           "there is no VAE \"%s\": each model has its own; send Automatic",
                           field_shown(shown, text));
}

static void take_layers(const struct taker *t, const char *place, double number)
{
    const struct model_set *models = t->catalog->models;
    const int most = ltd_model_info(models->items[t->settings->model].model)->text_layers;

    if (t->use == A1111_STANDING && number == a1111_layers_told(&t->before, models))
        return;
    if (number >= 1 && number <= most)
        t->settings->stop_at_last_layers = (int)number;
    else
        a1111_refuse_value(t->refusal, place, "value_error",
                           "is %g; send an integer from 1 to %d, 1 for all layers", number, most);
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
    } else {
        take_layers(t, place, value.number);
    }
}

void a1111_settings_take(struct a1111_settings *settings, const struct ltd_json *options,
                         enum a1111_options_use use, const char *where, const struct a1111_catalog *catalog,
                         a1111_note_fn *note, void *arg, struct a1111_refusal *refusal)
{
    const struct taker t = {*settings, settings, use, catalog, refusal};
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
    return ltd_params_default(models->items[settings->model].model).clip_skip + 1;
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
        else if (strcmp(name, layers) == 0)
            ltd_json_add(json, name, ltd_json_new_number(a1111_layers_told(settings, catalog->models)));
        else if (*rows[i].standard)
            ltd_json_add(json, name, standard_of(&rows[i]));
    }
    return json;
}
