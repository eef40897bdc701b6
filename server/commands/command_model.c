#include "commands/command_model.h"

#include "util/model_path.h"

#include <stdio.h>

const char *command_model_path(const char *given)
{
    const char *path = given[0] ? given : model_path_default();

    if (!path)
        fprintf(stderr, "no model: neither %s nor %s nor %s holds one; name one with --model\n",
                model_path_candidate(0), model_path_candidate(1), model_path_candidate(2));
    return path;
}

struct ltd_model *command_model_open(const char *given, const char *vae)
{
    const char *path = command_model_path(given);
    struct ltd_model *model = NULL;
    struct ltd_error err;

    if (path && ltd_model_open_with(path, vae[0] ? vae : NULL, &model, &err) != LTD_OK)
        fprintf(stderr, "%s\n", err.message);
    return model;
}
