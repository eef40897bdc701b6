#include "serve_models.h"

#include <stdio.h>

#include "jobs/model_dir.h"
#include "util/exit_code.h"
#include "util/model_path.h"

static int complain(const struct model_set *models, int code, const char *message)
{
    log_note(models->log, LOG_ERROR, "%s", message);
    return code;
}

static int add_model(struct model_set *models, const char *entry)
{
    char name[MODEL_NAME_SIZE];
    const char *path;
    const char *wrong = model_entry_split(entry, name, &path);
    struct ltd_error error;

    if (wrong)
        return complain(models, EXIT_CODE_USAGE, wrong);
    if (model_set_open(models, name, path, &error) == LTD_OK)
        return EXIT_CODE_DONE;
    return complain(models, EXIT_CODE_MODEL, error.message);
}

static int add_default_model(struct model_set *models)
{
    const char *path = model_path_default();
    char message[512];
    size_t used;

    if (path)
        return add_model(models, path);
    used = (size_t)snprintf(message, sizeof message, "no model; looked for model_index.json in");
    for (size_t i = 0; model_path_candidate(i) && used < sizeof message; i++)
        used += (size_t)snprintf(message + used, sizeof message - used, " %s", model_path_candidate(i));
    return complain(models, EXIT_CODE_MODEL, message);
}

static int add_models(const struct options *options, struct model_set *models)
{
    const struct option_list *list = &options->model;
    const bool has_dir = *options->models_dir;
    struct ltd_error error;
    int code = EXIT_CODE_DONE;

    if (list->count == 0 && !has_dir)
        return add_default_model(models);
    for (size_t i = 0; code == EXIT_CODE_DONE && i < list->count; i++)
        code = add_model(models, list->items[i]);
    if (code == EXIT_CODE_DONE && has_dir && model_dir_add(models, options->models_dir, &error) != LTD_OK)
        code = complain(models, EXIT_CODE_MODEL, error.message);
    return code;
}

static int choose_named(struct model_set *models, const char *name)
{
    const int found = model_set_find(models, name);

    if (found < 0) {
        log_note(models->log, LOG_ERROR, "default_model: no model is named \"%s\"", name);
        return EXIT_CODE_USAGE;
    }
    model_set_put_first(models, (size_t)found);
    return EXIT_CODE_DONE;
}

/* Loads the first model.  One of the folder that cannot be loaded is left out, and the next one is tried. */
static int load_first(struct model_set *models, bool must)
{
    const struct ltd_model *model;
    struct ltd_error error;

    while (models->count > 0) {
        if (model_set_take(models, 0, &model, &error) == LTD_OK) {
            model_set_release(models, 0);
            return EXIT_CODE_DONE;
        }
        if (must)
            return complain(models, EXIT_CODE_MODEL, error.message);
        model_set_remove(models, 0);
    }
    return complain(models, EXIT_CODE_MODEL,
                    "there is no model that can be loaded in the folder of --models-dir");
}

int serve_models(const struct options *options, struct log *log, struct model_set *models)
{
    const bool is_named = *options->default_model;
    int code;

    models->log = log;
    models->memory = options->models_memory;
    models->precision = options->precision;
    models->vae = *options->vae ? options->vae : NULL;
    models->embeddings_dir = *options->embeddings_dir ? options->embeddings_dir : NULL;
    models->loras_dir = *options->loras_dir ? options->loras_dir : NULL;
    models->controlnets_dir = *options->controlnets_dir ? options->controlnets_dir : NULL;
    code = add_models(options, models);
    if (code == EXIT_CODE_DONE && is_named)
        code = choose_named(models, options->default_model);
    return code == EXIT_CODE_DONE
               ? load_first(models, is_named || options->model.count > 0 || !*options->models_dir)
               : code;
}
