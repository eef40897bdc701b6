/* a1111_png_info.c - what a picture says that it was made with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/image.h>

#include "api/a1111_extras.h"
#include "api/infotext.h"
#include "util/base64.h"

static const char keyword[] = "parameters";

/* The texts of a picture as base64 or data URL. */
static enum ltd_status read_texts(const char *text, struct ltd_png_texts *texts, struct ltd_error *err)
{
    const char *base64 = base64_skip_data_url(text);
    const size_t length = base64 ? strlen(base64) : 0;
    enum ltd_status st;
    uint8_t *bytes;
    size_t size;
    int width, height;

    if (!base64)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "of the data URLs only data:image/png;base64, and the same of jpeg and webp are taken");
    bytes = malloc(base64_decoded_bound(length) + 1);
    if (!bytes)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the picture");
    if (base64_decode(base64, length, bytes, &size))
        st = ltd_picture_texts_read(bytes, size, &width, &height, texts, err);
    else
        st = ltd_fail(err, LTD_EINVAL, "is not base64: padded, no spaces or line breaks, + and /");
    free(bytes);
    return st;
}

/* The last text of that keyword; NULL: there is none. */
static const char *find_text(const struct ltd_png_texts *texts, const char *name)
{
    for (size_t i = texts->count; i > 0; i--)
        if (strcmp(texts->items[i - 1].keyword, name) == 0)
            return texts->items[i - 1].text;
    return NULL;
}

static struct ltd_json *encode_items(const struct ltd_png_texts *texts)
{
    struct ltd_json *json = ltd_json_new_object();

    for (size_t i = 0; i < texts->count; i++) {
        const char *name = texts->items[i].keyword, *text = texts->items[i].text;

        if (strcmp(name, keyword) != 0 && find_text(texts, name) == text)
            ltd_json_add(json, name, ltd_json_new_string(text));
    }
    return json;
}

/* A size is told as its sides, too. */
static void add_pair(struct ltd_json *json, const struct infotext_pair *pair)
{
    int width, height, end = 0;
    char side[16];

    if (ltd_json_get(json, pair->key))
        return;
    ltd_json_add(json, pair->key, ltd_json_new_string(pair->value));
    if (strcmp(pair->key, "Size") != 0 || sscanf(pair->value, "%6dx%6d%n", &width, &height, &end) != 2 ||
        pair->value[end])
        return;
    snprintf(side, sizeof side, "%d", width);
    ltd_json_add(json, "Size-1", ltd_json_new_string(side));
    snprintf(side, sizeof side, "%d", height);
    ltd_json_add(json, "Size-2", ltd_json_new_string(side));
}

static struct ltd_json *encode_parameters(const char *text)
{
    struct ltd_json *json = ltd_json_new_object();
    struct infotext info;

    if (!*text)
        return json;
    if (!infotext_parse(text, &info)) {
        ltd_json_free(json);
        return NULL;
    }
    ltd_json_add(json, "Prompt", ltd_json_new_string(info.prompt));
    ltd_json_add(json, "Negative prompt", ltd_json_new_string(info.negative_prompt));
    for (size_t i = 0; i < info.count; i++)
        add_pair(json, &info.pairs[i]);
    infotext_fini(&info);
    return json;
}

struct ltd_json *a1111_png_info(const struct ltd_json *document, struct a1111_refusal *refusal)
{
    const char *image = ltd_json_string(ltd_json_get(document, "image")), *text;
    struct ltd_png_texts texts = {0};
    struct ltd_json *json;
    struct ltd_error error;
    enum ltd_status st;

    if (!image) {
        a1111_refuse_value(refusal, "image", "type_error.str", "send a PNG, JPEG or WebP as base64");
        return NULL;
    }
    st = read_texts(image, &texts, &error);
    if (st != LTD_OK) {
        if (st != LTD_ENOMEM)
            a1111_refuse_value(refusal, "image", "value_error", "%s", error.message);
        return NULL;
    }
    text = find_text(&texts, keyword);
    json = ltd_json_new_object();
    ltd_json_add(json, "info", ltd_json_new_string(text ? text : ""));
    ltd_json_add(json, "items", encode_items(&texts));
    ltd_json_add(json, "parameters", encode_parameters(text ? text : ""));
    ltd_png_texts_fini(&texts);
    return json;
}
