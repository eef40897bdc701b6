/*
 * model_copy.h - a folder of its own that a test may spoil.
 */
#ifndef MODEL_COPY_H
#define MODEL_COPY_H

#include <stdbool.h>
#include <stddef.h>

struct file_bytes {
    unsigned char *data;
    size_t size;
};

bool file_read(const char *path, struct file_bytes *out); /* the caller frees out->data */
bool file_write(const char *path, const void *data, size_t size);

/* Makes a new folder under TMPDIR or /tmp and copies `from` into it, folders and all. */
bool model_copy_make(const char *from, char *out, size_t size);
void model_copy_remove(const char *path);

#endif
