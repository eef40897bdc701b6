/*
 * a1111_models.h - the models as AUTOMATIC1111 names them: by a title, "name [first ten digits of the hash]".
 *
 * Until the hash is known, the title is the name alone.  A model is found by any of its names: title, name,
 * name with .safetensors, ten or more digits of the hash.
 */
#ifndef A1111_MODELS_H
#define A1111_MODELS_H

#include <stddef.h>

#include <latentd/json.h>

#include "jobs/model_digest.h"
#include "jobs/model_set.h"
#include "util/model_path.h"

struct a1111_catalog {
    const struct model_set *models;
    struct model_digests *digests; /* NULL: none is known */
};

enum { A1111_HASH_LENGTH = 10, A1111_TITLE_SIZE = MODEL_NAME_SIZE + A1111_HASH_LENGTH + 3 };

const char *a1111_title(const struct a1111_catalog *catalog, size_t model, char title[A1111_TITLE_SIZE]);

/* The index of the model, or -1. */
int a1111_model_find(const struct a1111_catalog *catalog, const char *text);

/* What makes pictures larger, by its name, in letters of either size where none has just it; without a name:
 * there is none. */
struct ltd_upscaler_info a1111_upscaler_info(const struct ltd_upscalers *upscalers, const char *text);

/* The list for GET sd-models; NULL without memory. */
struct ltd_json *a1111_models_encode(const struct a1111_catalog *catalog);

/* The VAE that stands in place of all models' own, or "". */
const char *a1111_vae_name(const struct a1111_catalog *catalog);

/* The list for GET sd-vae: that one alone; NULL without memory. */
struct ltd_json *a1111_vaes_encode(const struct a1111_catalog *catalog);

/* The adapters of a model that are of use to it, for GET loras; NULL without memory. */
struct ltd_json *a1111_loras_encode(const struct a1111_catalog *catalog, size_t model);

/* The embeddings of a model, for GET embeddings; NULL without memory. */
struct ltd_json *a1111_embeddings_encode(const struct a1111_catalog *catalog, size_t model);

/* The hash, cut to length, as JSON; null while it is not known. */
struct ltd_json *a1111_hash_encode(const struct a1111_catalog *catalog, size_t model, int length);

#endif
