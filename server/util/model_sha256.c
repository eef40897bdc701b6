#include "util/model_sha256.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The weight files of one model. */
struct files {
    char **paths; /* [count], owned */
    size_t count;
};

static void files_fini(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

static int is_weights(const struct dirent *entry)
{
    static const char suffix[] = ".safetensors";
    const size_t length = strlen(entry->d_name), end = sizeof suffix - 1;

    return length > end && strcmp(entry->d_name + length - end, suffix) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Takes path, which may be NULL: there was no memory. */
static bool add_path(struct files *files, char *path)
{
    char **paths = path ? realloc(files->paths, (files->count + 1) * sizeof *paths) : NULL;

    if (!paths) {
        free(path);
        return false;
    }
    files->paths = paths;
    paths[files->count++] = path;
    return true;
}

static bool add_file(struct files *files, const char *model, const char *part, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s/%s", model, part, name) >= 0 && add_path(files, path);
}

/* Adds the weight files of one part, which a model need not have; false when they cannot be listed. */
static bool add_part(struct files *files, const char *model, const char *part)
{
    struct dirent **entries = NULL;
    char *folder;
    int count;
    bool added;

    if (asprintf(&folder, "%s/%s", model, part) < 0)
        return false;
    count = scandir(folder, &entries, is_weights, by_name);
    added = count > 0 || (count < 0 && errno == ENOENT);
    for (int i = 0; i < count; i++) {
        added = added && add_file(files, model, part, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return added;
}

/* The weight files of a model; false when they cannot be listed, or there are none.  To be ended either way.
 */
static bool list_files(const char *path, struct files *files)
{
    static const char *const parts[] = {"text_encoder", "text_encoder_2", "unet", "vae"};
    struct stat status;
    bool done = stat(path, &status) == 0;

    *files = (struct files){0};
    if (done && S_ISREG(status.st_mode))
        return add_path(files, strdup(path));
    for (size_t i = 0; done && i < sizeof parts / sizeof parts[0]; i++)
        done = add_part(files, path, parts[i]);
    return done && files->count > 0;
}

bool model_sha256(const char *path, const atomic_bool *cancel, char out[SHA256_TEXT_SIZE])
{
    struct files files;
    const bool done = list_files(path, &files) && sha256_files((const char *const *)files.paths, files.count,
                                                               cancel, out, NULL) == LTD_OK;

    files_fini(&files);
    return done;
}

static uint64_t mix(uint64_t stamp, uint64_t value)
{
    return (stamp ^ value) * 0x100000001B3U; /* FNV-1a's prime */
}

uint64_t model_stamp(const char *path)
{
    struct files files;
    uint64_t stamp = 0;

    list_files(path, &files);
    for (size_t i = 0; i < files.count; i++) {
        struct stat st = {0};

        if (stat(files.paths[i], &st) != 0)
            continue;
        stamp = mix(stamp, st.st_dev);
        stamp = mix(stamp, st.st_ino);
        stamp = mix(stamp, (uint64_t)st.st_size);
        stamp = mix(stamp, (uint64_t)st.st_mtim.tv_sec);
        stamp = mix(stamp, (uint64_t)st.st_mtim.tv_nsec);
    }
    files_fini(&files);
    return stamp;
}
