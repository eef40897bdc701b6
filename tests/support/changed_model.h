/*
 * changed_model.h - a copy of a model with something wrong in it.
 */
#ifndef CHANGED_MODEL_H
#define CHANGED_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "weights/weight_set.h"

/* May change the tensor's view (dim, data, dtype, name) before it is written; data must outlive the write. */
typedef void change_tensor_fn(struct weight *tensor);

/* Writes the weight file anew, with the tensor `name` changed; false when there is no such tensor. */
bool change_tensor(const char *file, const char *name, change_tensor_fn *change);

/* Writes the file without the tensor. */
bool drop_tensor(const char *file, const char *name);

/* Puts `to` in place of the first `from` in a text file; false when there is none. */
bool change_text(const char *file, const char *from, const char *to);

#endif
