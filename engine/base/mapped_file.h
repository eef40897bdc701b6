/*
 * mapped_file.h - a regular file mapped read-only.
 *
 * The pages come from the page cache and are shared by every process that maps the file.  Truncating a mapped
 * file kills its readers with SIGBUS, which no check here can prevent: model files are replaced by renaming.
 */
#ifndef MAPPED_FILE_H
#define MAPPED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

struct mapped_file {
    const uint8_t *data; /* NULL for an empty file */
    size_t size;         /* bytes */
};

/* Errors: LTD_ENOTFOUND, LTD_EFORMAT not a regular file, LTD_EIO. */
LTD_MUST_USE enum ltd_status mapped_file_open(struct mapped_file *file, const char *path,
                                              struct ltd_error *err);
void mapped_file_close(struct mapped_file *file); /* also of a zeroed struct */

/* Gives the pages that lie whole in this part of a mapping back to the system.  Nobody who reads them
 * notices, but that they come from the page cache, or the disk, again. */
void mapped_file_give_back(const void *data, size_t bytes);

#endif
