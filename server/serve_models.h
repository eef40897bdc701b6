/*
 * serve_models.h - which models a daemon serves.
 */
#ifndef SERVE_MODELS_H
#define SERVE_MODELS_H

#include "jobs/model_set.h"
#include "options/options.h"

/* Fills the empty set by the options, the default model first and loaded.  Returns an exit code, and has told
 * the log what is wrong; the set is to be ended in any case. */
int serve_models(const struct options *options, struct log *log, struct model_set *models);

#endif
