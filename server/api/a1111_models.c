#include "api/a1111_models.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char suffix[] = ".safetensors";

const char *a1111_title(const struct a1111_catalog *catalog, size_t model, char title[A1111_TITLE_SIZE])
{
    const char *name = catalog->models->items[model].name;
    char digest[SHA256_TEXT_SIZE];

    if (model_digest_get(catalog->digests, model, digest))
        snprintf(title, A1111_TITLE_SIZE, "%s [%.*s]", name, A1111_HASH_LENGTH, digest);
    else
        snprintf(title, A1111_TITLE_SIZE, "%s", name);
    return title;
}

/* Whether text[0..length) is the beginning of the model's hash, and long enough to mean it. */
static bool is_hash(const struct a1111_catalog *catalog, size_t model, const char *text, size_t length)
{
    char digest[SHA256_TEXT_SIZE];

    return length >= A1111_HASH_LENGTH && length < SHA256_TEXT_SIZE &&
           model_digest_get(catalog->digests, model, digest) && strncasecmp(digest, text, length) == 0;
}

static bool is_name(const char *name, const char *text, size_t length)
{
    const size_t end = sizeof suffix - 1;

    if (length == strlen(name) + end && strncasecmp(text + length - end, suffix, end) == 0)
        length -= end;
    return length == strlen(name) && strncmp(text, name, length) == 0;
}

/* A title whose hash is of other weights is not this model's; while the hash is not known, the name will do.
 */
static bool is_title(const struct a1111_catalog *catalog, size_t model, const char *text)
{
    const char *bracket = strstr(text, " [");
    const size_t hash = bracket ? strcspn(bracket + 2, "]") : 0;
    char digest[SHA256_TEXT_SIZE];

    return bracket && is_name(catalog->models->items[model].name, text, (size_t)(bracket - text)) &&
           (is_hash(catalog, model, bracket + 2, hash) || !model_digest_get(catalog->digests, model, digest));
}

int a1111_model_find(const struct a1111_catalog *catalog, const char *text)
{
    const size_t length = strlen(text);

    for (size_t i = 0; i < catalog->models->count; i++)
        if (is_name(catalog->models->items[i].name, text, length) || is_title(catalog, i, text) ||
            is_hash(catalog, i, text, length))
            return (int)i;
    return -1;
}

struct ltd_json *a1111_hash_encode(const struct a1111_catalog *catalog, size_t model, int length)
{
    char digest[SHA256_TEXT_SIZE];

    if (!model_digest_get(catalog->digests, model, digest))
        return ltd_json_new_null();
    digest[length] = '\0';
    return ltd_json_new_string(digest);
}

struct ltd_json *a1111_embeddings_encode(const struct a1111_catalog *catalog, size_t model)
{
    const struct ltd_model *from = model_set_shapes(catalog->models, model);
    struct ltd_json *loaded = ltd_json_new_object(), *skipped = ltd_json_new_object(),
                    *json = ltd_json_new_object();

    for (size_t i = 0; i < ltd_model_embedding_count(from); i++) {
        const struct ltd_embedding embedding = ltd_model_embedding(from, i);
        struct ltd_json *into = embedding.refused ? skipped : loaded, *row;

        if (ltd_json_get(into, embedding.name))
            continue;
        row = ltd_json_new_object();
        ltd_json_add(row, "step", ltd_json_new_null());
        ltd_json_add(row, "sd_checkpoint", ltd_json_new_null());
        ltd_json_add(row, "sd_checkpoint_name", ltd_json_new_null());
        ltd_json_add(row, "shape", ltd_json_new_number(embedding.width));
        ltd_json_add(row, "vectors", ltd_json_new_number(embedding.vectors));
        ltd_json_add(into, embedding.name, row);
    }
    ltd_json_add(json, "loaded", loaded);
    ltd_json_add(json, "skipped", skipped);
    return json;
}

struct ltd_json *a1111_loras_encode(const struct a1111_catalog *catalog, size_t model)
{
    const struct ltd_model *from = model_set_shapes(catalog->models, model);
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_model_lora_count(from); i++) {
        const struct ltd_lora_info lora = ltd_model_lora(from, i);
        struct ltd_json *row;

        if (lora.refused)
            continue;
        row = ltd_json_new_object();
        ltd_json_add(row, "name", ltd_json_new_string(lora.name));
        ltd_json_add(row, "alias", ltd_json_new_string(lora.name));
        ltd_json_add(row, "path", ltd_json_new_string(lora.name));
        ltd_json_add(row, "metadata", ltd_json_new_object());
        ltd_json_append(list, row);
    }
    return list;
}

const char *a1111_vae_name(const struct a1111_catalog *catalog)
{
    const struct ltd_model *first = model_set_shapes(catalog->models, 0);

    return first ? ltd_model_info(first)->vae : "";
}

struct ltd_json *a1111_vaes_encode(const struct a1111_catalog *catalog)
{
    const char *name = a1111_vae_name(catalog);
    struct ltd_json *list = ltd_json_new_array(), *row;

    if (!*name)
        return list;
    row = ltd_json_new_object();
    ltd_json_add(row, "model_name", ltd_json_new_string(name));
    ltd_json_add(row, "filename", ltd_json_new_string(name));
    ltd_json_append(list, row);
    return list;
}

struct ltd_json *a1111_models_encode(const struct a1111_catalog *catalog)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < catalog->models->count; i++) {
        const char *name = catalog->models->items[i].name;
        struct ltd_json *row = ltd_json_new_object();
        char title[A1111_TITLE_SIZE];

        ltd_json_add(row, "title", ltd_json_new_string(a1111_title(catalog, i, title)));
        ltd_json_add(row, "model_name", ltd_json_new_string(name));
        ltd_json_add(row, "hash", a1111_hash_encode(catalog, i, A1111_HASH_LENGTH));
        ltd_json_add(row, "sha256", a1111_hash_encode(catalog, i, SHA256_TEXT_SIZE - 1));
        ltd_json_add(row, "filename", ltd_json_new_string(name));
        ltd_json_add(row, "config", ltd_json_new_null());
        ltd_json_append(list, row);
    }
    return list;
}

struct ltd_upscaler_info a1111_upscaler_info(const struct ltd_upscalers *upscalers, const char *text)
{
    struct ltd_upscaler_info near = {0};

    for (size_t i = 0; i < ltd_upscalers_count(upscalers); i++) {
        const struct ltd_upscaler_info info = ltd_upscalers_at(upscalers, i);

        if (strcmp(info.name, text) == 0)
            return info;
        if (!near.name && strcasecmp(info.name, text) == 0)
            near = info;
    }
    return near;
}
