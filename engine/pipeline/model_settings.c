#include "pipeline/model_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config_reader.h"

static const char *const known[] = {"steps",  "cfg_scale", "sampler",         "scheduler", "width",
                                    "height", "precision", "prediction_type", "about"};

static char *path_of(const char *model)
{
    const char *file = strrchr(model, '/'), *ending;
    struct stat st;
    char *path;

    file = file ? file + 1 : model;
    ending = strrchr(file, '.');
    if (stat(model, &st) == 0 && S_ISDIR(st.st_mode))
        return asprintf(&path, "%s/latentd.json", model) < 0 ? NULL : path;
    return asprintf(&path, "%.*s.latentd.json", (int)(ending ? (size_t)(ending - model) : strlen(model)),
                    model) < 0
               ? NULL
               : path;
}

static void check_keys(struct config_reader *r)
{
    for (const struct ltd_json *v = ltd_json_first(r->json); v; v = ltd_json_next(v)) {
        bool found = false;

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(known[i], ltd_json_key(v)) == 0;
        if (!found)
            config_fail(r, LTD_EFORMAT, "\"%.80s\" is not a key of this file", ltd_json_key(v));
    }
}

static const char *read_prediction(struct config_reader *r)
{
    const char *told = config_text(r, "prediction_type", NULL);

    if (told && strcmp(told, "epsilon") != 0 && strcmp(told, "v_prediction") != 0 &&
        strcmp(told, "sample") != 0)
        config_fail(r, LTD_EFORMAT,
                    "prediction_type \"%.80s\" is unknown (known: epsilon, v_prediction, sample)", told);
    return told;
}

enum ltd_status model_settings_read(struct model_settings *out, const char *model, struct ltd_error *err)
{
    struct config_reader r = {.err = err};
    enum ltd_status st;

    *out = (struct model_settings){.path = path_of(model)};
    if (!out->path)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the model");
    st = config_read_file(out->path, CONFIG_MAX_BYTES, &out->json, err);
    if (st != LTD_OK)
        return st == LTD_ENOTFOUND ? LTD_OK : st;
    r.json = out->json;
    r.file = out->path;
    check_keys(&r);
    out->prediction = read_prediction(&r);
    return r.status;
}

void model_settings_fini(struct model_settings *settings)
{
    ltd_json_free(settings->json);
    free(settings->path);
    *settings = (struct model_settings){0};
}
