#include "jobs/model_digest.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct digest {
    atomic_bool known; /* text is written, and does not change any more */
    char text[SHA256_TEXT_SIZE];
};

struct model_digests {
    const struct model_set *models;
    struct digest *items; /* one for each model */
    pthread_t thread;
    atomic_bool stop;
};

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

static bool add_file(struct files *files, const char *model, const char *part, const char *name)
{
    char **paths = realloc(files->paths, (files->count + 1) * sizeof *paths);

    if (!paths)
        return false;
    files->paths = paths;
    if (asprintf(&paths[files->count], "%s/%s/%s", model, part, name) < 0)
        return false;
    files->count++;
    return true;
}

/* Adds the weight files of one part; false when they cannot be listed. */
static bool add_part(struct files *files, const char *model, const char *part)
{
    struct dirent **entries = NULL;
    char *folder;
    int count;
    bool added;

    if (asprintf(&folder, "%s/%s", model, part) < 0)
        return false;
    count = scandir(folder, &entries, is_weights, by_name);
    added = count > 0;
    for (int i = 0; i < count; i++) {
        added = added && add_file(files, model, part, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return added;
}

static bool digest_model(const char *path, const atomic_bool *stop, char out[SHA256_TEXT_SIZE])
{
    static const char *const parts[] = {"text_encoder", "unet", "vae"};
    struct stat status;
    struct files files = {0};
    bool done = stat(path, &status) == 0;

    if (done && S_ISREG(status.st_mode))
        return sha256_files(&path, 1, stop, out, NULL) == LTD_OK;
    for (size_t i = 0; done && i < sizeof parts / sizeof parts[0]; i++)
        done = add_part(&files, path, parts[i]);
    done = done && sha256_files((const char *const *)files.paths, files.count, stop, out, NULL) == LTD_OK;
    files_fini(&files);
    return done;
}

static void *work(void *arg)
{
    struct model_digests *digests = arg;

    setpriority(PRIO_PROCESS, (id_t)gettid(), 19); /* of this thread; without it, it is only less polite */
    for (size_t i = 0; i < digests->models->count && !atomic_load(&digests->stop); i++)
        if (digest_model(digests->models->items[i].path, &digests->stop, digests->items[i].text))
            atomic_store(&digests->items[i].known, true);
    return NULL;
}

enum ltd_status model_digests_start(const struct model_set *models, struct model_digests **out,
                                    struct ltd_error *err)
{
    struct model_digests *digests = calloc(1, sizeof *digests);
    enum ltd_status st = LTD_ENOMEM;

    if (digests)
        digests->items = calloc(models->count, sizeof *digests->items);
    if (!digests || !digests->items) {
        ltd_fail(err, st, "no memory for the digests of models");
        goto fail;
    }
    digests->models = models;
    atomic_init(&digests->stop, false);
    for (size_t i = 0; i < models->count; i++)
        atomic_init(&digests->items[i].known, false);
    if (pthread_create(&digests->thread, NULL, work, digests) == 0) {
        *out = digests;
        return LTD_OK;
    }
    st = ltd_fail(err, LTD_EIO, "a thread for the digests of models does not start");

fail:
    if (digests)
        free(digests->items);
    free(digests);
    return st;
}

void model_digests_stop(struct model_digests *digests)
{
    if (!digests)
        return;
    atomic_store(&digests->stop, true);
    pthread_join(digests->thread, NULL);
    free(digests->items);
    free(digests);
}

bool model_digest_get(const struct model_digests *digests, size_t model, char out[SHA256_TEXT_SIZE])
{
    if (!digests || !atomic_load(&digests->items[model].known))
        return false;
    memcpy(out, digests->items[model].text, SHA256_TEXT_SIZE);
    return true;
}
