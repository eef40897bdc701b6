#include "pipeline/upscalers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/weight_folder.h"

#define MAX_UPSCALERS 1024

/* Takes the name, also on failure; path may be NULL. */
static struct upscaler_item *add_item(struct ltd_upscalers *u, enum upscaler_kind kind, char *name,
                                      const char *path)
{
    struct upscaler_item *items = name ? realloc(u->item, (u->count + 1) * sizeof *items) : NULL;
    struct upscaler_item *item;

    if (!items) {
        free(name);
        return NULL;
    }
    u->item = items;
    item = &items[u->count++];
    *item = (struct upscaler_item){.kind = kind, .name = name, .path = path ? strdup(path) : NULL};
    return path && !item->path ? NULL : item;
}

static enum ltd_status add_file(void *arg, const struct folder_file *file, struct ltd_error *err)
{
    struct ltd_upscalers *u = arg;
    bool changed = false;
    struct upscaler_item *item;
    struct ltd_error why;
    enum ltd_status st;

    if (u->count == MAX_UPSCALERS)
        return ltd_fail(err, LTD_ETOOBIG, "there are more than %d upscalers", MAX_UPSCALERS);
    item = add_item(u, UPSCALER_NETWORK, folder_file_name(file, &changed), file->path);
    if (!item)
        return ltd_fail(err, LTD_ENOMEM, "no memory for upscalers");
    if (changed)
        st = ltd_fail(&why, LTD_EINVAL, "its file name is not UTF-8");
    else if (upscalers_find(u, item->name) != item)
        st = ltd_fail(&why, LTD_EINVAL, "another one has this name");
    else if (folder_file_is_pickle(file))
        st = ltd_fail(&why, LTD_EUNSUPPORTED,
                      "a pickle (%s) is never read; convert it: safetensors.torch.save_file(torch.load(path, "
                      "weights_only=True)[\"params_ema\"], new_path), without the brackets where they fail",
                      file->ending);
    else
        st = upscale_net_open(file->path, BIND_SHAPES, &item->shapes, &why);
    if (st == LTD_ENOMEM || (st != LTD_OK && !(item->refused = strdup(why.message))))
        return ltd_fail(err, LTD_ENOMEM, "no memory for upscalers");
    return LTD_OK;
}

static void close_net(void *net)
{
    upscale_net_close(net);
}

enum ltd_status ltd_upscalers_open(const char *dir, struct ltd_upscalers **out, struct ltd_error *err)
{
    static const char *const built_in[] = {[UPSCALER_LANCZOS] = "lanczos", [UPSCALER_NEAREST] = "nearest"};
    struct ltd_upscalers *u = calloc(1, sizeof *u);
    enum ltd_status st = u ? lease_cache_new(UPSCALERS_IDLE, close_net, &u->open, err)
                           : ltd_fail(err, LTD_ENOMEM, "no memory for upscalers");

    for (size_t i = 0; st == LTD_OK && i < sizeof built_in / sizeof built_in[0]; i++)
        if (!add_item(u, (enum upscaler_kind)i, strdup(built_in[i]), NULL))
            st = ltd_fail(err, LTD_ENOMEM, "no memory for upscalers");
    if (st == LTD_OK && dir)
        st = weight_folder_read(dir, "upscalers", add_file, u, err);
    if (st == LTD_OK)
        *out = u;
    else
        ltd_upscalers_close(u);
    return st;
}

void ltd_upscalers_close(struct ltd_upscalers *u)
{
    if (!u)
        return;
    lease_cache_free(u->open);
    for (size_t i = 0; i < u->count; i++) {
        free(u->item[i].name);
        free(u->item[i].path);
        free(u->item[i].refused);
        upscale_net_close(u->item[i].shapes);
    }
    free(u->item);
    free(u);
}

size_t ltd_upscalers_count(const struct ltd_upscalers *u)
{
    return u ? u->count : 0;
}

struct ltd_upscaler_info ltd_upscalers_at(const struct ltd_upscalers *u, size_t i)
{
    const struct upscaler_item *item = &u->item[i];
    struct ltd_upscaler_info info = {.name = item->name, .refused = item->refused};

    if (item->kind != UPSCALER_NETWORK)
        info.architecture = "resample";
    if (item->shapes) {
        info.architecture = upscale_net_architecture(item->shapes);
        info.factor = (int)upscale_net_factor(item->shapes);
    }
    return info;
}

const struct upscaler_item *upscalers_find(const struct ltd_upscalers *u, const char *name)
{
    const struct upscaler_item *found = NULL;

    for (size_t i = 0; i < ltd_upscalers_count(u); i++) {
        const struct upscaler_item *item = &u->item[i];

        if (strcmp(item->name, name) == 0 && (!found || (found->refused && !item->refused)))
            found = item;
    }
    return found;
}

static enum ltd_status make(void *arg, void **out, struct ltd_error *err)
{
    const struct upscaler_item *item = arg;
    struct upscale_net *net = NULL;
    struct ltd_error why;
    const enum ltd_status st = upscale_net_open(item->path, BIND_RUN, &net, &why);

    if (st != LTD_OK)
        return ltd_fail(err, st, "upscaler \"%.80s\": %s", item->name, why.message);
    *out = net;
    return LTD_OK;
}

enum ltd_status upscalers_take(const struct ltd_upscalers *u, const struct upscaler_item *item,
                               const struct upscale_net **out, struct ltd_error *err)
{
    const uint64_t key = (uint64_t)(item - u->item);
    void *net = NULL;
    const enum ltd_status st =
        lease_cache_take(u->open, &key, sizeof key, make, (void *)(uintptr_t)item, &net, err);

    *out = net;
    return st;
}

void upscalers_release(const struct ltd_upscalers *u, const struct upscale_net *net)
{
    lease_cache_release(u->open, (void *)(uintptr_t)net);
}
