#include <stdio.h>
#include <string.h>

#include "jobs/model_set_private.h"

static void tell(const struct model_set *set, const char *event, const char *model, const char *name,
                 const char *why)
{
    const struct log_field fields[] = {{"model", model, true}, {"name", name, true}, {"why", why, true}};

    if (why)
        log_event(set->log, LOG_WARN, event, fields, sizeof fields / sizeof fields[0]);
}

/* Files that are no use to a model; the others are served. */
static void tell_refused(const struct model_set *set, const char *name, const struct ltd_model *model)
{
    for (size_t i = 0; i < ltd_model_embedding_count(model); i++)
        tell(set, "embedding_refused", name, ltd_model_embedding(model, i).name,
             ltd_model_embedding(model, i).refused);
    for (size_t i = 0; i < ltd_model_lora_count(model); i++)
        tell(set, "lora_refused", name, ltd_model_lora(model, i).name, ltd_model_lora(model, i).refused);
    for (size_t i = 0; i < ltd_model_control_net_count(model); i++)
        tell(set, "controlnet_refused", name, ltd_model_control_net(model, i).name,
             ltd_model_control_net(model, i).refused);
}

/* Clients know a model by its name, and need not know where it lies. */
static void hide_path(const char *path, const char *name, struct ltd_error *err)
{
    const size_t length = strlen(path);
    struct ltd_error told;

    if (!err || strncmp(err->message, path, length) != 0)
        return;
    told = *err;
    snprintf(err->message, sizeof err->message, "%s%s", name, told.message + length);
}

enum ltd_status model_set_read(const struct model_set *set, size_t index, bool shapes, struct ltd_model **out,
                               struct ltd_error *err)
{
    const struct named_model *item = &set->items[index];
    struct ltd_model *model = NULL;
    enum ltd_status st = shapes ? ltd_model_open_shapes(item->path, set->vae, &model, err)
                                : ltd_model_open_with(item->path, set->vae, &model, err);

    if (st == LTD_OK && set->embeddings_dir)
        st = ltd_model_add_embeddings(model, set->embeddings_dir, err);
    if (st == LTD_OK && set->loras_dir)
        st = ltd_model_add_loras(model, set->loras_dir, err);
    if (st == LTD_OK && set->controlnets_dir)
        st = ltd_model_add_control_nets(model, set->controlnets_dir, err);
    if (st != LTD_OK) {
        ltd_model_close(model);
        if (st == LTD_ENOTFOUND && err)
            err->status = LTD_EIO;
        if (set->log)
            tell(set, "model_failed", item->name, NULL, err ? err->message : ltd_status_name(st));
        hide_path(item->path, item->name, err);
        if (set->vae)
            hide_path(set->vae, "--vae", err);
        return st == LTD_ENOTFOUND ? LTD_EIO : st;
    }
    if (shapes && set->log)
        tell_refused(set, item->name, model);
    ltd_model_use_upscalers(model, set->upscalers);
    if (set->precision > 0)
        ltd_model_prefer_precision(model, (enum ltd_precision)(set->precision - 1));
    *out = model;
    return LTD_OK;
}
