#include "jobs/model_set.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/model_set_private.h"

int model_set_find(const struct model_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct model_state *new_state(void)
{
    struct model_state *state = calloc(1, sizeof *state);

    if (state) {
        pthread_mutex_init(&state->lock, NULL);
        pthread_cond_init(&state->changed, NULL);
    }
    return state;
}

static void fini_item(struct named_model *item)
{
    free(item->name);
    free(item->path);
    if (item->slot) {
        ltd_model_close(atomic_load(&item->slot->shapes));
        ltd_model_close(item->slot->model);
    }
    free(item->slot);
}

static bool init_item(struct named_model *item, const char *name, const char *path)
{
    *item = (struct named_model){strdup(name), strdup(path), calloc(1, sizeof *item->slot)};
    if (item->name && item->path && item->slot) {
        atomic_init(&item->slot->shapes, NULL);
        return true;
    }
    fini_item(item);
    return false;
}

enum ltd_status model_set_add(struct model_set *set, const char *name, const char *path,
                              struct ltd_error *err)
{
    struct named_model *items;

    if (model_set_find(set, name) >= 0)
        return ltd_fail(err, LTD_EINVAL, "two models are named \"%s\"; give one another name: NAME=PATH",
                        name);
    if (set->count == MODEL_SET_MOST)
        return ltd_fail(err, LTD_ETOOBIG, "there are more than %d models", MODEL_SET_MOST);
    if (!set->state)
        set->state = new_state();
    items = realloc(set->items, (set->count + 1) * sizeof *items);
    if (items)
        set->items = items;
    if (!set->state || !items || !init_item(&items[set->count], name, path))
        return ltd_fail(err, LTD_ENOMEM, "no memory for the list of models");
    set->count++;
    return LTD_OK;
}

enum ltd_status model_set_open(struct model_set *set, const char *name, const char *path,
                               struct ltd_error *err)
{
    const struct ltd_model *model;
    enum ltd_status st = model_set_add(set, name, path, err);

    if (st != LTD_OK)
        return st;
    st = model_set_ask(set, set->count - 1, &model, err);
    if (st != LTD_OK)
        model_set_remove(set, set->count - 1);
    return st;
}

void model_set_put_first(struct model_set *set, size_t index)
{
    const struct named_model item = set->items[index];

    memmove(&set->items[1], &set->items[0], index * sizeof item);
    set->items[0] = item;
}

void model_set_remove(struct model_set *set, size_t index)
{
    fini_item(&set->items[index]);
    set->count--;
    memmove(&set->items[index], &set->items[index + 1], (set->count - index) * sizeof *set->items);
}

void model_set_fini(struct model_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        fini_item(&set->items[i]);
    free(set->items);
    if (set->state) {
        pthread_cond_destroy(&set->state->changed);
        pthread_mutex_destroy(&set->state->lock);
    }
    free(set->state);
    ltd_upscalers_close(set->upscalers);
    *set = (struct model_set){0};
}

const struct ltd_model *model_set_shapes(const struct model_set *set, size_t index)
{
    return atomic_load(&set->items[index].slot->shapes);
}

/* Opens the shapes, unless somebody else does meanwhile. */
static enum ltd_status open_shapes(const struct model_set *set, size_t index, struct ltd_error *err)
{
    struct model_state *state = set->state;
    struct model_slot *slot = set->items[index].slot;
    struct ltd_model *model = NULL;
    enum ltd_status st = LTD_OK;

    pthread_mutex_lock(&state->lock);
    while (slot->opening)
        pthread_cond_wait(&state->changed, &state->lock);
    if (!atomic_load(&slot->shapes)) {
        slot->opening = true;
        pthread_mutex_unlock(&state->lock);
        st = model_set_read(set, index, true, &model, err);
        pthread_mutex_lock(&state->lock);
        if (st == LTD_OK)
            atomic_store(&slot->shapes, model);
        slot->opening = false;
        pthread_cond_broadcast(&state->changed);
    }
    pthread_mutex_unlock(&state->lock);
    if (model && set->on_read)
        set->on_read(set->on_read_arg, index);
    return st;
}

enum ltd_status model_set_ask(const struct model_set *set, size_t index, const struct ltd_model **out,
                              struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    if (!model_set_shapes(set, index))
        st = open_shapes(set, index, err);
    if (st == LTD_OK)
        *out = model_set_shapes(set, index);
    return st;
}

/* No name has a letter that JSON must escape, and any letter may be written as its number. */
bool model_set_may_ask(const struct model_set *set, const char *body, size_t size)
{
    bool escaped;

    if (!body)
        return false;
    escaped = memmem(body, size, "\\u", 2) != NULL;
    for (size_t i = 0; i < set->count; i++) {
        const char *name = set->items[i].name;

        if (!model_set_shapes(set, i) && (escaped || memmem(body, size, name, strlen(name))))
            return true;
    }
    return false;
}
