/*
 * read_file.h - a whole file, up to a limit.
 */
#ifndef READ_FILE_H
#define READ_FILE_H

#include <stddef.h>

/* Reads a regular file of at most max_bytes to *data, which the caller frees.  NULL when it worked, else what
 * went wrong ("not a regular file"; static storage or strerror's), and nothing is set. */
const char *read_file(const char *path, size_t max_bytes, void **data, size_t *size);

#endif
