#include "api/inspect_picture.h"

#include <string.h>

#include <latentd/image.h>

#include "api/inspect_settings.h"
#include "api/picture_texts.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

/* Every setting as it stands there; of equal keys, the first one counts. */
static struct ltd_json *encode_settings(const struct infotext *info)
{
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "prompt", info->prompt);
    if (*info->negative_prompt)
        add_text(json, "negative_prompt", info->negative_prompt);
    for (size_t i = 0; i < info->count; i++)
        if (!ltd_json_get(json, info->pairs[i].key))
            add_text(json, info->pairs[i].key, info->pairs[i].value);
    return json;
}

/* The record says more, and more exactly, than the settings do: all but the model, if it is not served here.
 */
static void take_record(struct inspector *in, const char *record)
{
    struct ltd_json *said = picture_record_request(record), *request;

    if (!said)
        return;
    request = ltd_json_new_object();
    for (const struct ltd_json *v = ltd_json_first(said); v; v = ltd_json_next(v)) {
        const char *text = ltd_json_string(v);

        if (strcmp(ltd_json_key(v), "model") != 0 || (text && model_set_find(in->models, text) >= 0))
            ltd_json_add(request, ltd_json_key(v), ltd_json_copy(v));
    }
    ltd_json_free(said);
    ltd_json_free(in->request);
    in->request = request;
}

static struct ltd_json *encode_texts(const struct ltd_png_texts *texts, const char **parameters,
                                     const char **record)
{
    struct ltd_json *json = ltd_json_new_object();

    *parameters = *record = NULL;
    for (size_t i = 0; i < texts->count; i++) {
        if (ltd_json_get(json, texts->items[i].keyword))
            continue;
        add_text(json, texts->items[i].keyword, texts->items[i].text);
        if (strcmp(texts->items[i].keyword, "parameters") == 0)
            *parameters = texts->items[i].text;
        if (strcmp(texts->items[i].keyword, "latentd") == 0)
            *record = texts->items[i].text;
    }
    return json;
}

bool inspect_picture(const struct model_set *models, const void *data, size_t size, struct ltd_json **out,
                     struct problem *problem)
{
    struct inspector in = {.models = models};
    struct ltd_png_texts texts = {0};
    struct infotext info = {0};
    struct ltd_json *json;
    struct ltd_error error;
    const char *parameters, *record;
    int width = 0, height = 0;

    if (ltd_picture_texts_read(data, size, &width, &height, &texts, &error) != LTD_OK) {
        problem_from_error(problem, &error);
        if (error.status == LTD_EFORMAT)
            problem->status = 422; /* the client's file, not one of ours */
        return false;
    }
    json = ltd_json_new_object();
    in.warnings = ltd_json_new_array();
    ltd_json_add(json, "width", ltd_json_new_number(width));
    ltd_json_add(json, "height", ltd_json_new_number(height));
    ltd_json_add(json, "texts", encode_texts(&texts, &parameters, &record));
    if (parameters && infotext_parse(parameters, &info) && info.count > 0) {
        in.info = &info;
        inspect_settings(&in);
        if (record)
            take_record(&in, record);
        ltd_json_add(json, "settings", encode_settings(&info));
        ltd_json_add(json, "request", in.request);
    }
    ltd_json_add(json, "warnings", in.warnings);
    infotext_fini(&info);
    ltd_png_texts_fini(&texts);
    *out = json;
    return true;
}
