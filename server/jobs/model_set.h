/*
 * model_set.h - the models a daemon serves, by name.
 */
#ifndef MODEL_SET_H
#define MODEL_SET_H

#include <stddef.h>

#include <latentd/error.h>
#include <latentd/model.h>

struct named_model {
    char *name, *path;
    struct ltd_model *model;
};

/* The first one answers requests that name none.  Constant once filled, so that threads may read it freely.
 */
struct model_set {
    struct named_model *items;
    size_t count;
    const char
        *embeddings_dir;   /* what every model that is opened gets its embeddings from; NULL: none has any */
    const char *loras_dir; /* the same of LoRAs */
};

/* Opens a model, with its embeddings and LoRAs, and adds it.  Errors: those of ltd_model_open,
 * ltd_model_add_embeddings and ltd_model_add_loras, LTD_EINVAL a name that is taken. */
LTD_MUST_USE enum ltd_status model_set_open(struct model_set *set, const char *name, const char *path,
                                            struct ltd_error *err);
void model_set_fini(struct model_set *set); /* closes all; also of a zeroed struct */

/* The index of the model, or -1. */
int model_set_find(const struct model_set *set, const char *name);

#endif
