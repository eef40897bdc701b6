/*
 * loras.h - the adapters that requests to a model may name.
 */
#ifndef LORAS_H
#define LORAS_H

#include <stddef.h>

#include <latentd/model.h>

#include "weights/lora_file.h"
#include "weights/lora_names.h"

struct lora {
    char *name, *path;
    char *refused; /* why it is no use; NULL: it is */
    size_t layers; /* of the model that it changes */
};

struct loras {
    struct lora *item; /* in the order of the folder */
    size_t count;
    struct lora_names names[LORA_NETWORKS]; /* what their files call the layers of each network */
};

/* What is in `dir`, as ltd_model_add_loras has it; networks: the model's weights, NULL where it has no such
 * network. */
LTD_MUST_USE enum ltd_status loras_read(struct loras *loras, const char *dir,
                                        const struct weight_set *const networks[LORA_NETWORKS],
                                        struct ltd_error *err);
void loras_fini(struct loras *loras); /* also of a zeroed struct */

/* The first usable one of this name, else a refused one; NULL: there is none. */
const struct lora *loras_find(const struct loras *loras, const char *name);

/* A layer that an adapter changes. */
struct lora_layer {
    const struct lora_module *module;
    enum lora_network network;
    const struct weight *weight, *bias; /* the model's; bias may be NULL */
};

/* The layers of an opened file, [lora_file_count].  Errors: LTD_EUNSUPPORTED made for another model (names
 * the tensor). */
LTD_MUST_USE enum ltd_status loras_match(const struct loras *loras, const struct lora_file *file,
                                         struct lora_layer *layers, struct ltd_error *err);

#endif
