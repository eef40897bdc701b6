/*
 * picture_file.h - the pictures that a command line names.
 */
#ifndef PICTURE_FILE_H
#define PICTURE_FILE_H

#include <latentd/image.h>

/* Reads a PNG, JPEG or WebP, which the caller frees.  Errors: LTD_EIO, and those of ltd_image_decode. */
LTD_MUST_USE enum ltd_status picture_file_read(const char *path, struct ltd_image **out,
                                               struct ltd_error *err);

#endif
