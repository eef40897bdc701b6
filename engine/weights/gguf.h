/*
 * gguf.h - one .gguf file, untrusted, as a checked list of weights.
 *
 * Follows ggml's description of the format (docs/gguf.md), versions 2 and 3: counts, metadata, the tensors'
 * names, shapes (the innermost size first), types and offsets, and their data, each at a multiple of the
 * file's alignment.  They must follow each other: no overlap, no hole but what aligns.
 */
#ifndef GGUF_H
#define GGUF_H

#include <stdbool.h>

#include "weights/weight_file.h"

/* Does the file begin as this format does? */
bool gguf_is_one(const char *path);

/* Tensors of the formats of dtype.def become weights, their shapes the outermost size first; integers are
 * kept out.  Errors: LTD_EFORMAT, LTD_EUNSUPPORTED another version or format of numbers, LTD_EIO, LTD_ENOMEM;
 * every message begins with the path. */
LTD_MUST_USE enum ltd_status gguf_open(struct weight_file *file, const char *path, struct ltd_error *err);

#endif
