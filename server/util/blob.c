#include "util/blob.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct blob {
    atomic_uint references;
    void *data;
    size_t size;
};

struct blob *blob_take(void *data, size_t size)
{
    struct blob *blob = malloc(sizeof *blob);

    if (!blob)
        return NULL;
    atomic_init(&blob->references, 1);
    blob->data = data;
    blob->size = size;
    return blob;
}

struct blob *blob_copy(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    struct blob *blob = copy ? blob_take(copy, size) : NULL;

    if (!blob) {
        free(copy);
        return NULL;
    }
    if (size)
        memcpy(copy, data, size);
    return blob;
}

struct blob *blob_from_text(const char *text)
{
    return blob_copy(text, strlen(text));
}

struct blob *blob_ref(struct blob *blob)
{
    atomic_fetch_add(&blob->references, 1);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (!blob || atomic_fetch_sub(&blob->references, 1) != 1)
        return;
    free(blob->data);
    free(blob);
}

const void *blob_data(const struct blob *blob)
{
    return blob->data;
}

size_t blob_size(const struct blob *blob)
{
    return blob->size;
}
