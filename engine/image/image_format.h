/*
 * image_format.h - which file format some bytes are in, by their beginning.
 */
#ifndef IMAGE_FORMAT_H
#define IMAGE_FORMAT_H

#include <stddef.h>

/* The name of a well-known format that is not PNG ("JPEG"), or NULL; static storage. */
const char *image_format_other(const void *data, size_t size);

#endif
