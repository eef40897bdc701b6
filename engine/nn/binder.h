/*
 * binder.h - from the names of a weight file to the blocks of a network.
 *
 * The first thing that is missing or misshapen is kept and everything after it is a no-op, so that a
 * network's _bind functions read as a list of its parts; the one who made the binder asks binder_finish at
 * the end.
 */
#ifndef BINDER_H
#define BINDER_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/json.h>

#include "base/heap_list.h"
#include "kernels/gemm.h"
#include "nn/weight_overlay.h"
#include "weights/weight_set.h"

#define BINDER_NAME_MAX 256

/* What is wrong with a part's weights, all of it: three JSON arrays of sentences and names, owned by the
 * maker. */
struct bind_report {
    struct ltd_json *missing;   /* "name [shape]" */
    struct ltd_json *misshapen; /* sentences */
    struct ltd_json *unused;    /* names */
};

/* What a network is bound for.  SHAPES: no value is read, and it can be run dry alone: nothing of it shows
 * into the weights, whose files may be closed. */
enum bind_use { BIND_RUN, BIND_SHAPES };

struct binder {
    struct bind_report *report; /* NULL: the first thing that is wrong ends the binding */
    const struct weight_set *weights;
    /* Stands in place of some weights, which were bound without it before, and so are known to be sound;
     * NULL: nothing does.  The caller sets it after binder_init. */
    const struct weight_overlay *overlay;
    enum bind_use use;        /* the caller sets it after binder_init, which says BIND_RUN */
    struct heap_list *memory; /* owns the converted and aligned copies; lives as long as the network */
    const char *part;         /* "unet", for messages */
    const char *told_by;      /* "config.json", likewise: what says which shapes are due, unless the caller
                                 sets another after binder_init */
    struct ltd_error *err;
    enum ltd_status status;
    bool *used; /* one flag a weight of the set */
    size_t prefix_length;
    char prefix[BINDER_NAME_MAX]; /* "down_blocks.0.resnets.1." */
};

/* Errors: LTD_ENOMEM.  weights, memory and report (may be NULL) are borrowed.  With a report the binding goes
 * on past whatever is wrong with the weights, and what was bound must not be run. */
LTD_MUST_USE enum ltd_status binder_init(struct binder *b, const char *part, const struct weight_set *weights,
                                         struct heap_list *memory, struct bind_report *report,
                                         struct ltd_error *err);
/* The first error, or LTD_EFORMAT naming a weight that no block took; frees the binder's own memory. */
LTD_MUST_USE enum ltd_status binder_finish(struct binder *b);

/* Appends a printf'd piece and a dot to the prefix; leave with the length that enter returned. */
size_t binder_enter(struct binder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void binder_leave(struct binder *b, size_t length);

/* Is there a weight of this name under the prefix? */
bool binder_has(const struct binder *b, const char *name);
/* Takes the weight `name` under the prefix, which must have this shape; NULL after an error. */
const struct weight *binder_take(struct binder *b, const char *name, int rank, const size_t *dim);
/* A vector [n] as f32; NULL after an error. */
const float *binder_vector(struct binder *b, const char *name, size_t n);
/* A matrix [rows, cols], in the file's dtype; a weight of rank 4, [rows, cols, 1, 1], serves too. */
struct matrix binder_matrix(struct binder *b, const char *name, size_t rows, size_t cols);
/* A matrix that the file holds transposed, [cols, rows], as f32: a copy. */
struct matrix binder_transposed(struct binder *b, const char *name, size_t rows, size_t cols);
/* A weight [c_out, c_in, kernel, kernel] as a matrix [c_out, c_in * kernel * kernel], in the file's dtype. */
struct matrix binder_conv(struct binder *b, const char *name, size_t c_out, size_t c_in, size_t kernel);
/* An array of count zeroed structs that lives as long as the network; NULL after an error. */
void *binder_array(struct binder *b, size_t count, size_t size);

/* Notes an error that a caller found, unless there is one already. */
void binder_fail(struct binder *b, enum ltd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
