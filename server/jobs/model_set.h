/*
 * model_set.h - the models a daemon serves, by name.
 *
 * A model is known in three steps.  Its name and its path stand from the start.  What it is and what a
 * request to it may say is read from the headers of its files when somebody asks first (model_set_ask), and
 * kept for good: a few megabytes.  Its weights are there while jobs draw with it, and afterwards until their
 * memory is needed for another model's (model_set_take, model_set_release).
 */
#ifndef MODEL_SET_H
#define MODEL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/model.h>
#include <latentd/upscale.h>

#include "util/log.h"

struct named_model {
    char *name, *path;
    struct model_slot *slot; /* what changes of it: model_set_private.h */
};

/* The first one answers requests that name none.  Filled, and constant from then on, before threads share it;
 * what changes has its own lock.  Zeroed, it is an empty set. */
struct model_set {
    struct named_model *items;
    size_t count;
    int precision;   /* of requests that do not say: 1 + an enum ltd_precision; 0: the model's */
    const char *vae; /* path of the VAE of every model that is opened; NULL: each has its own */
    /* What every model that is opened gets its embeddings, LoRAs and ControlNets from; NULL: none has any. */
    const char *embeddings_dir, *loras_dir, *controlnets_dir;
    struct ltd_upscalers *upscalers; /* of no model in particular, before models are opened; owned */
    uint64_t memory; /* bytes of weight files that models nobody uses may make it come to; 0: any */
    struct log *log; /* is told of loads and unloads, and of what cannot be used; NULL: nobody is */
    /* Called when the headers of a model, or its weights, have just been read, on that thread; NULL: nobody
     * is told. */
    void (*on_read)(void *arg, size_t index);
    void *on_read_arg;
    struct model_state *state;
};

enum { MODEL_SET_MOST = 1024 };

/* Adds a model without looking at it.  Errors: LTD_EINVAL a name that is taken; LTD_ETOOBIG more than
 * MODEL_SET_MOST models; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_set_add(struct model_set *set, const char *name, const char *path,
                                           struct ltd_error *err);
/* The same, and asks for it.  Errors: also those of model_set_ask, and then it is not added. */
LTD_MUST_USE enum ltd_status model_set_open(struct model_set *set, const char *name, const char *path,
                                            struct ltd_error *err);
/* Makes the model the first one; the others keep their order. */
void model_set_put_first(struct model_set *set, size_t index);
void model_set_remove(struct model_set *set, size_t index); /* before threads share the set */
void model_set_fini(struct model_set *set);                 /* closes all; also of a zeroed struct */

/* The index of the model, or -1. */
int model_set_find(const struct model_set *set, const char *name);

/* The model without its weights (ltd_model_open_shapes), with the names of its embeddings, LoRAs and
 * ControlNets; once it is there, it stays for as long as the set.  NULL: nobody has asked for it.  Any
 * thread; never waits. */
const struct ltd_model *model_set_shapes(const struct model_set *set, size_t index);
/* The same, opened if it is not yet, or if that failed before: reads headers of files, for up to a second
 * where there are many adapters.  Any thread but the HTTP server's. Messages call the model by its name, not
 * by its path. Errors: those of ltd_model_open_shapes, ltd_model_add_embeddings, ltd_model_add_loras and
 * ltd_model_add_control_nets, but LTD_EIO for LTD_ENOTFOUND: the model is known, and its files have gone. */
LTD_MUST_USE enum ltd_status model_set_ask(const struct model_set *set, size_t index,
                                           const struct ltd_model **out, struct ltd_error *err);
/* Whether a request with these words in it may name a model that nobody has asked for, so that reading it
 * takes more than a moment. */
bool model_set_may_ask(const struct model_set *set, const char *body, size_t size);

/* The whole model, which the caller gives back to model_set_release.  Loads it, or waits until somebody else
 * has; then first unloads models that nobody uses, those first that were not used the longest, as far as
 * set->memory asks for it.  A model that is in use is never unloaded: where all are, there is more than
 * set->memory.  Any thread but the HTTP server's.  Errors: those of ltd_model_open, and of model_set_ask. */
LTD_MUST_USE enum ltd_status model_set_take(const struct model_set *set, size_t index,
                                            const struct ltd_model **out, struct ltd_error *err);
void model_set_release(const struct model_set *set, size_t index);
/* Unloads the model if it is loaded and nobody uses it. */
void model_set_unload(const struct model_set *set, size_t index);
bool model_set_is_loaded(const struct model_set *set, size_t index);

struct model_counts {
    size_t loaded;                     /* models whose weights are there */
    uint64_t bytes;                    /* of their weight files */
    uint64_t loads, unloads, failures; /* since the start */
};

void model_set_count(const struct model_set *set, struct model_counts *out);

#endif
