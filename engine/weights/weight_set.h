/*
 * weight_set.h - the checked index of one network's weight files.
 *
 * Every offset, shape and dtype is checked when the set is opened, once, so that readers may trust it.  The
 * data stay in the mapped files, in the files' dtype, at whatever alignment the file gives them.
 */
#ifndef WEIGHT_SET_H
#define WEIGHT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "tensor/dtype.h"

#define WEIGHT_MAX_RANK 8

struct weight {
    const char *name; /* as in the file */
    const void *data; /* row-major; may be unaligned; lives as long as the set */
    enum dtype dtype;
    int rank;
    size_t dim[WEIGHT_MAX_RANK];
    size_t count; /* values; the product of dim */
};

struct weight_set;

/* Opens dir/STEM.safetensors, or the shards that dir/STEM.safetensors.index.json lists (file names only,
 * inside dir). When neither exists, LTD_ENOTFOUND says so, and names a pickle (.bin, .ckpt) lying there that
 * wants converting. Errors: LTD_EFORMAT (names the file and the tensor), LTD_EUNSUPPORTED a dtype other than
 * f32, f16, bf16 (integer tensors are kept out of the index: buffers such as position_ids), a rank above
 * WEIGHT_MAX_RANK, or a pickle, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status weight_set_open(const char *dir, const char *stem, struct weight_set **out,
                                             struct ltd_error *err);
/* The same for one .safetensors file by its path. */
LTD_MUST_USE enum ltd_status weight_set_open_file(const char *path, struct weight_set **out,
                                                  struct ltd_error *err);
/* As weight_set_open_file, for a file that is told of by another name: what is wrong is said without the
 * path. */
LTD_MUST_USE enum ltd_status weight_set_open_unnamed(const char *path, struct weight_set **out,
                                                     struct ltd_error *err);

#define WEIGHT_NAME_ROOM 320

/* Writes the name that a part of `set` knows the tensor by; false when the tensor is none of its own. */
typedef bool weight_name_fn(const void *arg, const char *name, char out[WEIGHT_NAME_ROOM]);
/* The weights of `whole` that `rename` names, under these names; `whole` must live longer, and its path is
 * for messages.  Errors: LTD_EFORMAT two tensors get one name, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status weight_set_view(const struct weight_set *whole, const char *path,
                                             weight_name_fn *rename, const void *arg, struct weight_set **out,
                                             struct ltd_error *err);
void weight_set_close(struct weight_set *set); /* NULL is fine */

size_t weight_set_count(const struct weight_set *set);
const struct weight *weight_set_at(const struct weight_set *set, size_t i); /* sorted by name */
const struct weight *weight_set_find(const struct weight_set *set,
                                     const char *name);     /* NULL when absent; O(log n) */
size_t weight_set_file_bytes(const struct weight_set *set); /* of a view: its weights' bytes */

/* The name of a tensor of integers in the first file, which is kept out of the index; NULL: it has none. */
const char *weight_set_buffer(const struct weight_set *set);

/* What the first file's metadata call modelspec.prediction_type; NULL when they do not say. */
const char *weight_set_prediction(const struct weight_set *set);

/* Whether every value is finite.  Reads the whole tensor, at about the speed of memory. */
bool weight_is_finite(const struct weight *weight);

#endif
