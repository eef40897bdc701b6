/*
 * inspect_picture.h - what a picture says it was made with.
 */
#ifndef INSPECT_PICTURE_H
#define INSPECT_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/json.h>

#include "api/problem.h"
#include "jobs/model_set.h"

/* Reads the texts of an untrusted PNG, JPEG or WebP; of the settings that this and similar programs write, it
 * makes a request to send again.  The caller frees *out, an Inspection (replies.def).  False: *problem says
 * why not. */
bool inspect_picture(const struct model_set *models, const void *data, size_t size, struct ltd_json **out,
                     struct problem *problem);

#endif
