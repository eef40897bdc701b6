/* fuzz_gguf.c - any bytes as a file of a whole model: what opens must be readable to its last value. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "weights/weight_set.h"

static void read_all(const struct weight_set *set, size_t size)
{
    size_t bytes = 0;

    for (size_t i = 0; i < weight_set_count(set); i++) {
        const struct weight *weight = weight_set_at(set, i);

        PROMISE(weight_set_find(set, weight->name) == weight);
        (void)weight_is_finite(weight);
        bytes += dtype_bytes(weight->dtype, weight->count);
        PROMISE(bytes < size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};
    char path[64];
    /* What begins otherwise is fuzz_safetensors' concern. */
    static const char magic[] = {'G', 'G', 'U', 'F'};
    const int fd = memfd_create("fuzz_gguf", MFD_CLOEXEC);

    PROMISE(fd >= 0);
    PROMISE(write(fd, data, size) == (ssize_t)size);
    PROMISE(pwrite(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic);
    size = size < sizeof magic ? sizeof magic : size;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (weight_set_open_model(path, &set, &err) == LTD_OK) {
        PROMISE(weight_set_file_bytes(set) == size);
        read_all(set, size);
        weight_set_close(set);
    } else {
        PROMISE(!set && strncmp(err.message, path, strlen(path)) == 0 && !strchr(err.message, '\n'));
    }
    close(fd);
    return 0;
}
