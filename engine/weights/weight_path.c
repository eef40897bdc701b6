#include "weights/weight_path.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than any file system's names. */
enum { NAME_ROOM = 256 };

/* The variants found in a folder. */
struct variants {
    const char *stem;
    size_t count; /* different ones */
    char first[NAME_ROOM], second[NAME_ROOM];
};

/* Copies what stands between the two, which may not be empty, hold a dot, or number a shard. */
static bool take_between(const char *name, const char *before, const char *after, char out[NAME_ROOM])
{
    const size_t length = strlen(name), skip = strlen(before), rest = strlen(after);

    if (length <= skip + rest || length - skip - rest >= NAME_ROOM || strncmp(name, before, skip) != 0 ||
        strcmp(name + length - rest, after) != 0)
        return false;
    memcpy(out, name + skip, length - skip - rest);
    out[length - skip - rest] = '\0';
    return !strchr(out, '.') && !strstr(out, "-of-");
}

static void add_variant(struct variants *v, const char *file)
{
    char before[NAME_ROOM], index[NAME_ROOM], variant[NAME_ROOM];

    if (snprintf(before, sizeof before, "%s.", v->stem) >= NAME_ROOM ||
        snprintf(index, sizeof index, "%s.safetensors.index.", v->stem) >= NAME_ROOM)
        return;
    if (!take_between(file, before, ".safetensors", variant) && !take_between(file, index, ".json", variant))
        return;
    if (v->count == 0)
        memcpy(v->first, variant, sizeof variant);
    else if (strcmp(v->first, variant) == 0)
        return;
    else if (v->count == 1)
        memcpy(v->second, variant, sizeof variant);
    v->count++;
}

static void list_variants(const char *dir, struct variants *v)
{
    DIR *folder = opendir(dir);

    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        add_variant(v, entry->d_name);
    if (folder)
        closedir(folder);
}

static enum ltd_status fail_not_found(const char *dir, const char *stem, struct ltd_error *err)
{
    static const char *const endings[] = {".bin", ".ckpt", ".pt", ".pth"};
    const char *const stems[] = {stem, "pytorch_model"}; /* transformers' name for what is `model` here */

    for (size_t s = 0; s < sizeof stems / sizeof stems[0]; s++)
        for (size_t e = 0; e < sizeof endings / sizeof endings[0]; e++) {
            char path[4096];

            if (snprintf(path, sizeof path, "%s/%s%s", dir, stems[s], endings[e]) < (int)sizeof path &&
                access(path, F_OK) == 0)
                return ltd_fail(
                    err, LTD_ENOTFOUND,
                    "%s/%s.safetensors: no such file; %s is a PyTorch pickle, which could run code "
                    "and is not read: convert it to .safetensors",
                    dir, stem, path);
        }
    return ltd_fail(err, LTD_ENOTFOUND,
                    "%s/%s.safetensors: no such file, nor an index of shards, nor a variant", dir, stem);
}

/* Sets *path to dir/STEM.safetensors or its index, of a variant that is not "", when it is there. */
static enum ltd_status find(const char *dir, const char *stem, const char *variant, char **path,
                            bool *is_index, struct ltd_error *err)
{
    const char *dot = *variant ? "." : "";

    *path = NULL;
    for (int i = 0; i < 2; i++) {
        const int length = i ? asprintf(path, "%s/%s.safetensors.index%s%s.json", dir, stem, dot, variant)
                             : asprintf(path, "%s/%s%s%s.safetensors", dir, stem, dot, variant);

        if (length < 0)
            return ltd_fail(err, LTD_ENOMEM, "%s: no memory for a path", dir);
        *is_index = i == 1;
        if (access(*path, F_OK) == 0)
            return LTD_OK;
        free(*path);
        *path = NULL;
    }
    return LTD_OK;
}

enum ltd_status weight_path_find(const char *dir, const char *stem, char **path, bool *is_index,
                                 struct ltd_error *err)
{
    struct variants v = {.stem = stem};
    enum ltd_status status = find(dir, stem, "", path, is_index, err);

    if (status != LTD_OK || *path)
        return status;
    list_variants(dir, &v);
    if (v.count > 1)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "%s/%s.safetensors: no such file, but the variants %s and %s: keep one of them, or give one the "
            "plain name",
            dir, stem, strcmp(v.first, v.second) < 0 ? v.first : v.second,
            strcmp(v.first, v.second) < 0 ? v.second : v.first);
    if (v.count == 1)
        status = find(dir, stem, v.first, path, is_index, err);
    return status == LTD_OK && !*path ? fail_not_found(dir, stem, err) : status;
}
