/*
 * a1111_options.h - AUTOMATIC1111's options (a1111_options.def): what stands for all requests of this family,
 * and what one request says instead.
 */
#ifndef A1111_OPTIONS_H
#define A1111_OPTIONS_H

#include "api/a1111_models.h"
#include "api/a1111_refusal.h"

/* What the options that are honoured come to. */
struct a1111_settings {
    size_t model; /* index in the model set */
    enum ltd_picture_format format;
    int jpeg_quality; /* of WebP too; 0: as that program has it */
    bool webp_lossless;
    int stop_at_last_layers; /* of the text encoder, 1: none is left out; 0: as the model has it */
};

/* Called for what is taken without any effect. */
typedef void a1111_note_fn(void *arg, const char *name, const char *message);

enum { A1111_JPEG_QUALITY = 80 };

enum a1111_options_use {
    A1111_OVERRIDE, /* each stands as it is said */
    A1111_STANDING  /* the whole object comes back: what is said as it stood changes nothing */
};

/* Changes settings as options, an object, say; what is wrong goes to refusal under the place `where` ("", or
 * "override_settings/"), and settings are of no use then. */
void a1111_settings_take(struct a1111_settings *settings, const struct ltd_json *options,
                         enum a1111_options_use use, const char *where, const struct a1111_catalog *catalog,
                         a1111_note_fn *note, void *arg, struct a1111_refusal *refusal);

/* All options with their values, for GET options; NULL without memory. */
struct ltd_json *a1111_options_encode(const struct a1111_settings *settings,
                                      const struct a1111_catalog *catalog);

/* How the pictures are written, as the native request says it. */
struct ltd_json *a1111_output_encode(const struct a1111_settings *settings);

/* CLIP_stop_at_last_layers as it is told: never 0. */
int a1111_layers_told(const struct a1111_settings *settings, const struct model_set *models);

#endif
