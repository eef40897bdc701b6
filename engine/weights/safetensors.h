/*
 * safetensors.h - one .safetensors file, untrusted, as a checked list of weights.
 *
 * Follows the format's description in huggingface/safetensors (README, and the checks of its Rust reader): a
 * header length of 8 bytes, little-endian; a JSON header; the data.  The tensors' ranges must tile the data:
 * no hole, no overlap, nothing after the last.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <stddef.h>

#include <latentd/error.h>

#include "base/mapped_file.h"
#include "weights/weight_set.h"

struct safetensors {
    struct mapped_file map;
    char *names;            /* every name with its terminator; the weights point here */
    struct weight *weights; /* f32, f16 and bf16 tensors, in no order */
    size_t count;
    const char *buffer; /* the name of a tensor of integers, which is no weight; NULL: there is none */
    char *prediction;   /* modelspec.prediction_type of __metadata__; NULL: it does not say */
};

/* Errors: as for weight_set_open_file; every message begins with the path. */
LTD_MUST_USE enum ltd_status safetensors_open(struct safetensors *file, const char *path,
                                              struct ltd_error *err);
void safetensors_close(struct safetensors *file); /* also of a zeroed struct */

#endif
