/*
 * inspect_settings.h - the request that the settings of a picture come to.
 */
#ifndef INSPECT_SETTINGS_H
#define INSPECT_SETTINGS_H

#include <latentd/json.h>

#include "api/infotext.h"
#include "jobs/model_set.h"

/* What is being told of one file. */
struct inspector {
    const struct model_set *models;
    const struct infotext *info;
    struct ltd_json *request, *warnings; /* warnings: an array, from the start on */
};

/* Sets in->request, a root that the caller frees, and warns of what no request here can say. */
void inspect_settings(struct inspector *in);

#endif
