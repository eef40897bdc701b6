#include "pipeline/control_nets.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/weight_folder.h"

#define MAX_CONTROL_NETS 1024
#define PATH_ROOM        4096

struct reading {
    struct control_nets *nets;
    const struct unet_config *base;
    size_t vae_factor;
};

/* A diffusers folder is known by the config beside the weights: *path becomes the folder's.  false: it is a
 * file of its own. */
static bool is_in_folder(const struct folder_file *file, char path[PATH_ROOM])
{
    char config[PATH_ROOM + 16];
    const size_t length = strlen(file->path) - strlen(file->file);

    if (strncmp(file->file, "diffusion_pytorch_model", 23) != 0 || length < 2 || length >= PATH_ROOM)
        return false;
    snprintf(path, PATH_ROOM, "%.*s", (int)(length - 1), file->path);
    snprintf(config, sizeof config, "%s/config.json", path);
    return access(config, R_OK) == 0;
}

static bool is_known(const struct control_nets *nets, const char *path)
{
    for (size_t i = 0; i < nets->count; i++)
        if (strcmp(nets->item[i].path, path) == 0)
            return true;
    return false;
}

/* Of a folder: its own name. */
static char *name_of(const struct folder_file *file, const char *folder, bool *changed)
{
    const char *last = folder ? strrchr(folder, '/') : NULL;
    const struct folder_file named = {folder, last ? last + 1 : folder, ""};

    return folder_file_name(folder ? &named : file, changed);
}

static enum ltd_status try_net(const struct reading *r, struct control_item *item, struct ltd_error *why)
{
    struct control_net *net = NULL;
    enum ltd_status st = control_net_open(item->path, r->base, BIND_SHAPES, &net, why);

    if (st == LTD_OK && control_net_factor(net) != r->vae_factor)
        st = ltd_fail(
            why, LTD_EUNSUPPORTED,
            "is made for another model: it makes %zu pixels one of the latent, and this model's VAE %zu",
            control_net_factor(net), r->vae_factor);
    if (st == LTD_OK)
        item->shapes = net;
    else
        control_net_close(net);
    return st;
}

static struct control_item *add_item(struct control_nets *nets, char *name, const char *path)
{
    struct control_item *item = name ? realloc(nets->item, (nets->count + 1) * sizeof *item) : NULL;

    if (!item) {
        free(name);
        return NULL;
    }
    nets->item = item;
    item += nets->count++;
    *item = (struct control_item){.name = name, .path = strdup(path)};
    return item->path ? item : NULL;
}

static enum ltd_status add_file(void *arg, const struct folder_file *file, struct ltd_error *err)
{
    const struct reading *r = arg;
    struct control_nets *nets = r->nets;
    char folder[PATH_ROOM];
    const bool in_folder = is_in_folder(file, folder);
    const char *path = in_folder ? folder : file->path;
    bool changed = false;
    struct control_item *item;
    struct ltd_error why;
    enum ltd_status st;

    if (is_known(nets, path))
        return LTD_OK;
    if (nets->count == MAX_CONTROL_NETS)
        return ltd_fail(err, LTD_ETOOBIG, "there are more than %d ControlNets", MAX_CONTROL_NETS);
    item = add_item(nets, name_of(file, in_folder ? folder : NULL, &changed), path);
    if (!item)
        return ltd_fail(err, LTD_ENOMEM, "no memory for ControlNets");
    if (changed)
        st = ltd_fail(&why, LTD_EINVAL, "its file name is not UTF-8");
    else if (control_nets_find(nets, item->name) != item)
        st = ltd_fail(&why, LTD_EINVAL, "another one has this name");
    else if (!in_folder && folder_file_is_pickle(file))
        st = ltd_fail(&why, LTD_EUNSUPPORTED, "a pickle (%s) is never read; convert it to .safetensors",
                      file->ending);
    else
        st = try_net(r, item, &why);
    if (st == LTD_ENOMEM || (st != LTD_OK && !(item->refused = strdup(why.message))))
        return ltd_fail(err, LTD_ENOMEM, "no memory for ControlNets");
    return LTD_OK;
}

static void close_net(void *net)
{
    control_net_close(net);
}

enum ltd_status control_nets_read(struct control_nets *nets, const char *dir, const struct unet_config *base,
                                  size_t vae_factor, struct ltd_error *err)
{
    struct reading r = {nets, base, vae_factor};
    enum ltd_status st = lease_cache_new(CONTROL_NETS_IDLE, close_net, &nets->open, err);

    return st == LTD_OK ? weight_folder_read(dir, "ControlNets", add_file, &r, err) : st;
}

void control_nets_fini(struct control_nets *nets)
{
    lease_cache_free(nets->open);
    for (size_t i = 0; i < nets->count; i++) {
        free(nets->item[i].name);
        free(nets->item[i].path);
        free(nets->item[i].refused);
        control_net_close(nets->item[i].shapes);
    }
    free(nets->item);
    *nets = (struct control_nets){0};
}

const struct control_item *control_nets_find(const struct control_nets *nets, const char *name)
{
    const struct control_item *found = NULL;

    for (size_t i = 0; i < nets->count; i++) {
        const struct control_item *item = &nets->item[i];

        if (strcmp(item->name, name) == 0 && (!found || (found->refused && !item->refused)))
            found = item;
    }
    return found;
}

void control_nets_shapes(const struct control_nets *nets, const struct ltd_gen_params *params,
                         const struct control_net **out)
{
    for (int i = 0; i < params->control_count; i++)
        out[i] = control_nets_find(nets, params->controls[i].model)->shapes;
}

struct making {
    const struct control_item *item;
    const struct unet_config *base;
};

static enum ltd_status make(void *arg, void **out, struct ltd_error *err)
{
    const struct making *m = arg;
    struct control_net *net = NULL;
    struct ltd_error why;
    const enum ltd_status st = control_net_open(m->item->path, m->base, BIND_RUN, &net, &why);

    if (st != LTD_OK)
        return ltd_fail(err, st, "ControlNet \"%.80s\": %s", m->item->name, why.message);
    *out = net;
    return LTD_OK;
}

enum ltd_status control_nets_take(const struct control_nets *nets, const struct unet_config *base,
                                  const struct ltd_gen_params *params, const struct control_net **out,
                                  struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    for (int i = 0; i < params->control_count && st == LTD_OK; i++) {
        struct making m = {control_nets_find(nets, params->controls[i].model), base};
        const uint64_t key = (uint64_t)(m.item - nets->item);
        void *net = NULL;

        st = lease_cache_take(nets->open, &key, sizeof key, make, &m, &net, err);
        out[i] = net;
    }
    return st;
}

void control_nets_release(const struct control_nets *nets, const struct control_net *const *taken)
{
    for (size_t i = 0; i < LTD_MAX_CONTROLS; i++)
        lease_cache_release(nets->open, (void *)(uintptr_t)taken[i]);
}
