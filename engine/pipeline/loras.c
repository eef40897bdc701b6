#include "pipeline/loras.h"

#include <stdlib.h>
#include <string.h>

#include "nn/lora.h"
#include "pipeline/weight_folder.h"

#define MAX_LORAS 4096

static enum ltd_status match_layer(const struct loras *loras, const struct lora_module *module,
                                   struct lora_layer *layer, struct ltd_error *err)
{
    const char *name;

    *layer = (struct lora_layer){.module = module, .network = lora_network_of(module->name, &name)};
    if (loras->names[layer->network].count == 0)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%.200s is a layer of a text encoder that this model does not have; the file is made "
                        "for another one",
                        module->name);
    layer->weight = lora_names_find(&loras->names[layer->network], name, &layer->bias);
    if (!layer->weight)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%.200s is no layer of this model; the file is made for another one", module->name);
    return lora_check(module, layer->weight, layer->bias, err);
}

enum ltd_status loras_match(const struct loras *loras, const struct lora_file *file,
                            struct lora_layer *layers, struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    for (size_t i = 0; i < lora_file_count(file) && st == LTD_OK; i++)
        st = match_layer(loras, lora_file_at(file, i), &layers[i], err);
    return st;
}

/* Does the file fit the model? */
static enum ltd_status try_file(const struct loras *loras, struct lora *lora, struct ltd_error *why)
{
    struct lora_file *file = NULL;
    struct lora_layer *layers;
    enum ltd_status st = lora_file_open(lora->path, &file, why);

    if (st != LTD_OK)
        return st;
    layers = calloc(lora_file_count(file), sizeof *layers);
    st = layers ? loras_match(loras, file, layers, why)
                : ltd_fail(why, LTD_ENOMEM, "no memory for its layers");
    if (st == LTD_OK)
        lora->layers = lora_file_count(file);
    free(layers);
    lora_file_close(file);
    return st;
}

static struct lora *add_item(struct loras *loras, const struct folder_file *file, bool *changed)
{
    struct lora *item = realloc(loras->item, (loras->count + 1) * sizeof *item);

    if (!item)
        return NULL;
    loras->item = item;
    item += loras->count;
    *item = (struct lora){.name = folder_file_name(file, changed), .path = strdup(file->path)};
    loras->count++;
    return item->name && item->path ? item : NULL;
}

static enum ltd_status add_file(void *arg, const struct folder_file *file, struct ltd_error *err)
{
    struct loras *loras = arg;
    struct ltd_error why;
    bool changed = false;
    struct lora *item;
    enum ltd_status st;

    if (loras->count == MAX_LORAS)
        return ltd_fail(err, LTD_ETOOBIG, "there are more than %d LoRAs", MAX_LORAS);
    item = add_item(loras, file, &changed);
    if (!item)
        return ltd_fail(err, LTD_ENOMEM, "no memory for LoRAs");
    if (changed)
        st = ltd_fail(&why, LTD_EINVAL, "its file name is not UTF-8");
    else if (loras_find(loras, item->name) != item)
        st = ltd_fail(&why, LTD_EINVAL, "another one has this name");
    else if (folder_file_is_pickle(file))
        st = ltd_fail(&why, LTD_EUNSUPPORTED, "a pickle (%s) is never read; convert it to .safetensors",
                      file->ending);
    else
        st = try_file(loras, item, &why);
    if (st == LTD_ENOMEM || (st != LTD_OK && !(item->refused = strdup(why.message))))
        return ltd_fail(err, LTD_ENOMEM, "no memory for LoRAs");
    return LTD_OK;
}

enum ltd_status loras_read(struct loras *loras, const char *dir,
                           const struct weight_set *const networks[LORA_NETWORKS], struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    for (int i = 0; i < LORA_NETWORKS && st == LTD_OK; i++)
        if (networks[i])
            st = lora_names_init(&loras->names[i], networks[i], i == LORA_UNET, err);
    return st == LTD_OK ? weight_folder_read(dir, "LoRAs", add_file, loras, err) : st;
}

void loras_fini(struct loras *loras)
{
    for (size_t i = 0; i < loras->count; i++) {
        free(loras->item[i].name);
        free(loras->item[i].path);
        free(loras->item[i].refused);
    }
    free(loras->item);
    for (int i = 0; i < LORA_NETWORKS; i++)
        lora_names_fini(&loras->names[i]);
    *loras = (struct loras){0};
}

const struct lora *loras_find(const struct loras *loras, const char *name)
{
    const struct lora *found = NULL;

    for (size_t i = 0; i < loras->count; i++) {
        const struct lora *item = &loras->item[i];

        if (item->name && strcmp(item->name, name) == 0 && (!found || (found->refused && !item->refused)))
            found = item;
    }
    return found;
}
