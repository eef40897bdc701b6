/*
 * a1111_controlnet.h - AUTOMATIC1111's extension sd-webui-controlnet: its units (a1111_units.def) in a
 * request, and its lists.
 */
#ifndef A1111_CONTROLNET_H
#define A1111_CONTROLNET_H

#include <latentd/json.h>
#include <latentd/model.h>

#include "api/a1111_options.h"
#include "api/a1111_refusal.h"

/* What units mean beside what they say. */
struct a1111_controlnet_about {
    const struct ltd_model *model; /* that draws */
    const char *init_image;        /* of img2img, base64; NULL: there is none */
};

/* The native `controls` that alwayson_scripts, an object, say; NULL: there are none, or no memory.  What is
 * wrong goes to refusal, and note is called for what is drawn otherwise. */
struct ltd_json *a1111_controlnet_take(const struct ltd_json *scripts,
                                       const struct a1111_controlnet_about *about, a1111_note_fn *note,
                                       void *arg, struct a1111_refusal *refusal);

/* The lists for GET /controlnet/model_list, of the networks that are of use to the model, and
 * /controlnet/module_list; NULL without memory. */
struct ltd_json *a1111_controlnet_models(const struct ltd_model *model);
struct ltd_json *a1111_controlnet_modules(void);

#endif
