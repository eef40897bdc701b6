#include "pipeline/weight_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "tokenizer/clip_chars.h"

#define MAX_DEPTH 8 /* folders in folders */
#define PATH_ROOM 4096

static const char *const endings[] = {".safetensors", ".pt", ".bin", ".ckpt", ".pth"};

struct reading {
    const char *what;
    weight_folder_fn *fn;
    void *arg;
    struct ltd_error *err;
};

static const char *find_ending(const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t tail = strlen(endings[i]);

        if (length > tail && strcasecmp(name + length - tail, endings[i]) == 0)
            return endings[i];
    }
    return NULL;
}

bool folder_file_is_pickle(const struct folder_file *file)
{
    return file->ending != endings[0];
}

char *folder_file_name(const struct folder_file *file, bool *changed)
{
    char *name = strndup(file->file, strlen(file->file) - strlen(file->ending));

    *changed = name && !clip_utf8_valid((const uint8_t *)name, strlen(name));
    for (char *c = name; *changed && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return name;
}

static enum ltd_status read_folder(const struct reading *r, const char *dir, int depth);

static enum ltd_status take_entry(const struct reading *r, const char *dir, const char *file, int depth)
{
    const char *ending = find_ending(file);
    char path[PATH_ROOM];
    struct stat is, leads_to;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, file) >= sizeof path)
        return ltd_fail(r->err, LTD_EIO, "%.200s...: the path is too long", path);
    if (lstat(path, &is) != 0 || stat(path, &leads_to) != 0)
        return LTD_OK;
    if (S_ISDIR(is.st_mode) && depth < MAX_DEPTH)
        return read_folder(r, path, depth + 1);
    if (!ending || !S_ISREG(leads_to.st_mode))
        return LTD_OK;
    return r->fn(r->arg, &(struct folder_file){path, file, ending}, r->err);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum ltd_status read_folder(const struct reading *r, const char *dir, int depth)
{
    struct dirent **entries = NULL;
    const int count = scandir(dir, &entries, is_visible, alphasort);
    enum ltd_status st = LTD_OK;

    if (count < 0)
        return ltd_fail(r->err, errno == ENOENT || errno == ENOTDIR ? LTD_ENOTFOUND : LTD_EIO,
                        "%s: the folder of %s cannot be read: %s", dir, r->what, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (st == LTD_OK)
            st = take_entry(r, dir, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return st;
}

enum ltd_status weight_folder_read(const char *dir, const char *what, weight_folder_fn *fn, void *arg,
                                   struct ltd_error *err)
{
    const struct reading r = {what, fn, arg, err};

    return read_folder(&r, dir, 0);
}
