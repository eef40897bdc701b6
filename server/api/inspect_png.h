/*
 * inspect_png.h - what a PNG says it was made with.
 */
#ifndef INSPECT_PNG_H
#define INSPECT_PNG_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/json.h>

#include "api/problem.h"
#include "jobs/model_set.h"

/* Reads an untrusted PNG's texts; of the settings that this and similar programs write, it makes a request to
 * send again.  The caller frees *out, an Inspection (replies.def).  False: *problem says why not. */
bool inspect_png(const struct model_set *models, const void *data, size_t size, struct ltd_json **out,
                 struct problem *problem);

#endif
