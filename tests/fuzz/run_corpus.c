/* run_corpus.c - main() of a fuzz target that is run as a test: NAME FOLDER runs every file of the folder,
 * and every truncation of the files of up to 4 KiB. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MAX_INPUT_BYTES     ((size_t)1 << 20)
#define MAX_TRUNCATED_BYTES 4096u

/* An input of its own size, so that the address sanitizer sees a read past its end. */
static int run_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (!copy)
        return 1;
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int run_file(const char *folder, const char *name, uint8_t *buffer)
{
    char path[4096];
    size_t size;
    FILE *file;
    int failed = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file) {
        printf("# cannot open %s\n", path);
        return 1;
    }
    size = fread(buffer, 1, MAX_INPUT_BYTES, file);
    fclose(file);
    for (size_t n = 0; n < size && size <= MAX_TRUNCATED_BYTES; n++)
        failed |= run_bytes(buffer, n);
    return failed | run_bytes(buffer, size);
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(MAX_INPUT_BYTES);
    DIR *folder = argc == 3 ? opendir(argv[2]) : NULL;
    const struct dirent *entry;
    int files = 0, failed = 0;

    if (!buffer || !folder) {
        printf("# usage: %s NAME FOLDER\n", argv[0]);
        free(buffer);
        return 1;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        failed |= run_file(argv[2], entry->d_name, buffer);
        files++;
    }
    closedir(folder);
    free(buffer);
    printf("%s %s_corpus\n", failed || files == 0 ? "not ok" : "ok", argv[1]);
    return failed || files == 0;
}
