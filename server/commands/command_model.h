/*
 * command_model.h - the model that a command works on.
 */
#ifndef COMMAND_MODEL_H
#define COMMAND_MODEL_H

#include <latentd/model.h>

/* Opens the folder given, or with "" the default model.  On failure says why on standard error, and answers
 * NULL. */
struct ltd_model *command_model_open(const char *given);

#endif
