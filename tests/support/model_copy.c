#include "model_copy.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read(const char *path, struct file_bytes *out)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    bool whole;

    if (!file || fstat(fileno(file), &st) != 0) {
        if (file)
            fclose(file);
        return false;
    }
    out->size = (size_t)st.st_size;
    out->data = malloc(out->size + 1);
    whole = out->data && fread(out->data, 1, out->size, file) == out->size;
    fclose(file);
    return whole;
}

bool file_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    const bool whole = file && fwrite(data, 1, size, file) == size;

    return file && fclose(file) == 0 && whole;
}

static bool copy_folder(const char *from, const char *to)
{
    DIR *folder = opendir(from);
    const struct dirent *entry;
    bool good = folder != NULL;

    while (good && (entry = readdir(folder))) {
        char source[4096], target[4096];
        struct file_bytes bytes = {NULL, 0};
        struct stat st;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (stat(source, &st) != 0)
            good = false;
        else if (S_ISDIR(st.st_mode))
            good = mkdir(target, 0700) == 0 && copy_folder(source, target);
        else
            good = file_read(source, &bytes) && file_write(target, bytes.data, bytes.size);
        free(bytes.data);
    }
    if (folder)
        closedir(folder);
    return good;
}

bool model_copy_make(const char *from, char *out, size_t size)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(out, size, "%s/latentd-test-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(out) && copy_folder(from, out);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void model_copy_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
