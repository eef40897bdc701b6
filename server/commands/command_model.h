/*
 * command_model.h - the model that a command works on.
 */
#ifndef COMMAND_MODEL_H
#define COMMAND_MODEL_H

#include <latentd/model.h>

/* The path given, or with "" the default model's.  NULL, and it is told on standard error: there is none. */
const char *command_model_path(const char *given);

/* Opens that model with the VAE at `vae`, or with "" its own.  On failure says why on standard error, and
 * answers NULL. */
struct ltd_model *command_model_open(const char *given, const char *vae);

#endif
