/*
 * embedding_file.h - a textual inversion embedding (Gal et al. 2022): vectors that stand in a prompt for a
 * word.
 *
 * Read are .safetensors files with a tensor [vectors, channels], or [channels], that is named emb_params or
 * is the only one: as AUTOMATIC1111, kohya's trainer and diffusers write them.
 */
#ifndef EMBEDDING_FILE_H
#define EMBEDDING_FILE_H

#include <stddef.h>

#include <latentd/error.h>

/* *vectors [*count, channels], which the caller frees.  The error says what is wrong without the path.
 * Errors: LTD_EFORMAT not such a file, values that are not finite; LTD_EUNSUPPORTED another width than
 * channels, more vectors than `most`, or two text encoders' (SDXL); LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status embedding_file_read(const char *path, size_t channels, size_t most,
                                                 float **vectors, size_t *count, struct ltd_error *err);

#endif
