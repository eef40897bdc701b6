/*
 * safetensors.h - one .safetensors file, untrusted, as a checked list of weights.
 *
 * Follows the format's description in huggingface/safetensors (README, and the checks of its Rust reader): a
 * header length of 8 bytes, little-endian; a JSON header; the data.  The tensors' ranges must tile the data:
 * no hole, no overlap, nothing after the last.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "weights/weight_file.h"

/* f32, f16 and bf16 tensors become weights.  Errors: as for weight_set_open_file; every message begins with
 * the path. */
LTD_MUST_USE enum ltd_status safetensors_open(struct weight_file *file, const char *path,
                                              struct ltd_error *err);

#endif
