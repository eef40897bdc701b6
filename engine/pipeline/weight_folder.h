/*
 * weight_folder.h - the small weight files that a user keeps in a folder: embeddings, LoRAs.
 */
#ifndef WEIGHT_FOLDER_H
#define WEIGHT_FOLDER_H

#include <stdbool.h>

#include <latentd/error.h>

/* One file of a folder. */
struct folder_file {
    const char *path;
    const char *file;   /* the last part of the path */
    const char *ending; /* of the file's name: ".safetensors", or a pickle's */
};

/* Tells of a file; err is the folder's. */
typedef enum ltd_status weight_folder_fn(void *arg, const struct folder_file *file, struct ltd_error *err);

/* Tells of every .safetensors file and pickle in dir and in the folders in it, in the order of their names,
 * so that the same folder always comes to the same; what a link leads to is read, but not where a link leads
 * to a folder.  `what` names them in messages.  Errors: LTD_ENOTFOUND, LTD_EIO the folder cannot be read;
 * fn's. */
LTD_MUST_USE enum ltd_status weight_folder_read(const char *dir, const char *what, weight_folder_fn *fn,
                                                void *arg, struct ltd_error *err);

/* Pickles run whatever program is in them, and are never read. */
bool folder_file_is_pickle(const struct folder_file *file);

/* The file's name without its ending, with '?' for what is not UTF-8; the caller frees it; NULL without
 * memory.  *changed: it is not what the file is called. */
char *folder_file_name(const struct folder_file *file, bool *changed);

#endif
