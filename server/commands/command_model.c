#include "commands/command_model.h"

#include "util/model_path.h"

#include <stdio.h>

struct ltd_model *command_model_open(const char *given)
{
    const char *path = given[0] ? given : model_path_default();
    struct ltd_model *model = NULL;
    struct ltd_error err;

    if (!path)
        fprintf(stderr, "no model: neither %s nor %s nor %s holds one; name one with --model\n",
                model_path_candidate(0), model_path_candidate(1), model_path_candidate(2));
    else if (ltd_model_open(path, &model, &err) != LTD_OK)
        fprintf(stderr, "%s\n", err.message);
    return model;
}
