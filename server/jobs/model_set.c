#include "jobs/model_set.h"

#include <stdlib.h>
#include <string.h>

int model_set_find(const struct model_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return (int)i;
    return -1;
}

enum ltd_status model_set_open(struct model_set *set, const char *name, const char *path,
                               struct ltd_error *err)
{
    struct named_model *items;
    struct named_model item = {0};
    enum ltd_status st;

    if (model_set_find(set, name) >= 0)
        return ltd_fail(err, LTD_EINVAL, "two models are named \"%s\"; give one another name: NAME=PATH",
                        name);
    items = realloc(set->items, (set->count + 1) * sizeof *items);
    if (!items)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the list of models");
    set->items = items;
    st = ltd_model_open(path, &item.model, err);
    if (st == LTD_OK && set->embeddings_dir)
        st = ltd_model_add_embeddings(item.model, set->embeddings_dir, err);
    if (st == LTD_OK && set->loras_dir)
        st = ltd_model_add_loras(item.model, set->loras_dir, err);
    if (st != LTD_OK) {
        ltd_model_close(item.model);
        return st;
    }
    item.name = strdup(name);
    item.path = strdup(path);
    if (!item.name || !item.path) {
        free(item.name);
        free(item.path);
        ltd_model_close(item.model);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the list of models");
    }
    set->items[set->count++] = item;
    return LTD_OK;
}

void model_set_fini(struct model_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i].name);
        free(set->items[i].path);
        ltd_model_close(set->items[i].model);
    }
    free(set->items);
    *set = (struct model_set){0};
}
