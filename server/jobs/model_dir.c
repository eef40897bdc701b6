#include "jobs/model_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/model_path.h"

enum { MAX_DEPTH = 8, PATH_ROOM = 4096 };

static bool ends_in(const char *file, const char *const *endings, size_t count)
{
    const size_t length = strlen(file);

    for (size_t i = 0; i < count; i++) {
        const size_t tail = strlen(endings[i]);

        if (length > tail && strcasecmp(file + length - tail, endings[i]) == 0)
            return true;
    }
    return false;
}

static bool is_weights(const char *file)
{
    static const char *const endings[] = {".safetensors", ".gguf"};

    return ends_in(file, endings, sizeof endings / sizeof endings[0]);
}

static bool is_pickle(const char *file)
{
    static const char *const endings[] = {".ckpt", ".pt", ".pth", ".bin"};

    return ends_in(file, endings, sizeof endings / sizeof endings[0]);
}

static bool is_diffusers(const char *dir)
{
    char index[PATH_ROOM + 24];

    snprintf(index, sizeof index, "%s/model_index.json", dir);
    return access(index, F_OK) == 0;
}

static void tell_refused(const struct model_set *set, const char *path, const char *why)
{
    const struct log_field fields[] = {{"path", path, true}, {"why", why, true}};

    if (set->log)
        log_event(set->log, LOG_WARN, "model_refused", fields, sizeof fields / sizeof fields[0]);
}

/* Adds what may be a model; one that is none is told. */
static enum ltd_status add_model(struct model_set *set, const char *path, struct ltd_error *err)
{
    char name[MODEL_NAME_SIZE];
    struct ltd_error why;
    enum ltd_status st = ltd_model_look(path, &why);

    model_path_name(path, name);
    if (st == LTD_OK && model_set_find(set, name) >= 0)
        st = ltd_fail(&why, LTD_EINVAL, "another model is named \"%s\"; give this one as --model NAME=PATH",
                      name);
    if (st == LTD_OK)
        return model_set_add(set, name, path, err);
    tell_refused(set, path, why.message);
    return LTD_OK;
}

static enum ltd_status read_folder(struct model_set *set, const char *dir, int depth, struct ltd_error *err);

static enum ltd_status take_entry(struct model_set *set, const char *dir, const char *file, int depth,
                                  struct ltd_error *err)
{
    char path[PATH_ROOM];
    struct stat is, leads_to;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, file) >= sizeof path)
        return ltd_fail(err, LTD_EIO, "%.200s...: the path is too long", path);
    if (lstat(path, &is) != 0 || stat(path, &leads_to) != 0)
        return LTD_OK;
    if (S_ISDIR(leads_to.st_mode) && is_diffusers(path))
        return add_model(set, path, err);
    if (S_ISDIR(is.st_mode) && depth < MAX_DEPTH)
        return read_folder(set, path, depth + 1, err);
    if (S_ISREG(leads_to.st_mode) && is_weights(file))
        return add_model(set, path, err);
    if (S_ISREG(leads_to.st_mode) && is_pickle(file))
        tell_refused(set, path, "a pickle is never read; convert it to .safetensors");
    return LTD_OK;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum ltd_status read_folder(struct model_set *set, const char *dir, int depth, struct ltd_error *err)
{
    struct dirent **entries = NULL;
    const int count = scandir(dir, &entries, is_visible, alphasort);
    enum ltd_status st = LTD_OK;

    if (count < 0)
        return ltd_fail(err, errno == ENOENT || errno == ENOTDIR ? LTD_ENOTFOUND : LTD_EIO,
                        "%s: the folder of models cannot be read: %s", dir, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (st == LTD_OK)
            st = take_entry(set, dir, entries[i]->d_name, depth, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

enum ltd_status model_dir_add(struct model_set *set, const char *dir, struct ltd_error *err)
{
    return read_folder(set, dir, 0, err);
}
