/*
 * model_settings.h - what latentd.json says of a model: the file in a model's folder, or, of a model in one
 * file, the one beside it, NAME.latentd.json for NAME.safetensors.
 */
#ifndef MODEL_SETTINGS_H
#define MODEL_SETTINGS_H

#include <latentd/error.h>
#include <latentd/json.h>

struct model_settings {
    char *path;             /* of the file, for messages */
    struct ltd_json *json;  /* NULL: there is no such file */
    const char *prediction; /* "epsilon", "v_prediction" or "sample", in json; NULL: it does not say */
};

/* Reads those of the model at a path, which may have none.  Any key that is not known is refused, so that a
 * slip of the pen is not silently a default.  Errors: LTD_EFORMAT, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_settings_read(struct model_settings *out, const char *model,
                                                 struct ltd_error *err);
void model_settings_fini(struct model_settings *settings); /* also of a zeroed struct */

#endif
