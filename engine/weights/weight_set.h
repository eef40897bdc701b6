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
    const void *data; /* row-major, in the blocks of dtype; may be unaligned; lives as long as the set */
    enum dtype dtype;
    int rank;
    size_t dim[WEIGHT_MAX_RANK];
    size_t count; /* values; the product of dim */
};

struct weight_set;

/* Opens dir/STEM.safetensors, or the shards that dir/STEM.safetensors.index.json lists (file names only,
 * inside dir), or a variant of them: weight_path_find, whose errors it has. Others: LTD_EFORMAT (names the
 * file and the tensor), LTD_EUNSUPPORTED a dtype other than f32, f16, bf16 (integer tensors are kept out of
 * the index: buffers such as position_ids), a rank above WEIGHT_MAX_RANK, or a pickle, LTD_EIO, LTD_ENOMEM.
 */
LTD_MUST_USE enum ltd_status weight_set_open(const char *dir, const char *stem, struct weight_set **out,
                                             struct ltd_error *err);
/* The same for one .safetensors file by its path. */
LTD_MUST_USE enum ltd_status weight_set_open_file(const char *path, struct weight_set **out,
                                                  struct ltd_error *err);
/* The same for a file of a whole model, which may be a .gguf file too, with quantized weights. */
LTD_MUST_USE enum ltd_status weight_set_open_model(const char *path, struct weight_set **out,
                                                   struct ltd_error *err);
/* As weight_set_open_file, for a file that is told of by another name: what is wrong is said without the
 * path. */
LTD_MUST_USE enum ltd_status weight_set_open_unnamed(const char *path, struct weight_set **out,
                                                     struct ltd_error *err);

#define WEIGHT_NAME_ROOM 320

/* What a part of a file knows a tensor of it by. */
struct weight_alias {
    char name[WEIGHT_NAME_ROOM];
    size_t pieces,
        piece; /* it is this one, from 0 on, of so many pieces of equal height, one below the other */
};

/* The i-th weight of a part that lies in the tensor `name`; false when there are not so many.  It comes with
 * pieces 1 and piece 0. */
typedef bool weight_name_fn(const void *arg, const char *name, size_t i, struct weight_alias *out);
/* The weights of `whole` that `rename` names, under these names; `whole` must live longer, and its path is
 * for messages.  Errors: LTD_EFORMAT two tensors get one name, or one cannot be cut into its pieces;
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status weight_set_view(const struct weight_set *whole, const char *path,
                                             weight_name_fn *rename, const void *arg, struct weight_set **out,
                                             struct ltd_error *err);
/* Two sets as one, which takes them, after an error too; path is for messages.  Errors: LTD_EFORMAT a name is
 * in both; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status weight_set_join(struct weight_set *a, struct weight_set *b, const char *path,
                                             struct weight_set **out, struct ltd_error *err);
void weight_set_close(struct weight_set *set); /* NULL is fine */
/* Closes the files and keeps the index: names, dtypes and shapes.  No value may be read any more, nor may a
 * view of the set's. */
void weight_set_close_files(struct weight_set *set);

size_t weight_set_count(const struct weight_set *set);
const struct weight *weight_set_at(const struct weight_set *set, size_t i); /* sorted by name */
const struct weight *weight_set_find(const struct weight_set *set,
                                     const char *name); /* NULL when absent; O(log n) */
/* Size `dim` of a tensor that must have so many dimensions; 0, and *status, which stays when it is no longer
 * LTD_OK, after an error (LTD_EFORMAT, naming path and tensor). */
size_t weight_set_size(const struct weight_set *set, const char *path, const char *name, int rank, int dim,
                       enum ltd_status *status, struct ltd_error *err);
size_t weight_set_file_bytes(const struct weight_set *set); /* without files: its weights' bytes */

/* The weights leave the process's memory until they are next read: mapped_file_give_back. */
void weight_set_give_back(const struct weight_set *set);

/* The name of a tensor of integers in the first file, which is kept out of the index; NULL: it has none. */
const char *weight_set_buffer(const struct weight_set *set);

/* What the first file's metadata call modelspec.prediction_type; NULL when they do not say. */
const char *weight_set_prediction(const struct weight_set *set);
/* The same of lora_adapter_metadata: JSON, unread. */
const char *weight_set_adapter(const struct weight_set *set);

/* Whether every value is finite.  Reads the whole tensor, at about the speed of memory. */
bool weight_is_finite(const struct weight *weight);

#endif
