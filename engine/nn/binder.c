#include "nn/binder.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapped_file.h"
#include "nn/weight_values.h"

enum ltd_status binder_init(struct binder *b, const char *part, const struct weight_set *weights,
                            struct heap_list *memory, struct bind_report *report, struct ltd_error *err)
{
    bool *used = calloc(weight_set_count(weights) + 1, sizeof *used);

    if (!used)
        return ltd_fail(err, LTD_ENOMEM, "no memory to bind %s", part);
    *b = (struct binder){.report = report,
                         .weights = weights,
                         .memory = memory,
                         .part = part,
                         .told_by = "config.json",
                         .err = err,
                         .used = used};
    return LTD_OK;
}

enum ltd_status binder_finish(struct binder *b)
{
    for (size_t i = 0; i < weight_set_count(b->weights) && b->status == LTD_OK; i++) {
        const char *name = weight_set_at(b->weights, i)->name;

        if (b->used[i])
            continue;
        if (b->report)
            ltd_json_append(b->report->unused, ltd_json_new_string(name));
        else
            binder_fail(b, LTD_EFORMAT, "%s: tensor %s belongs to nothing that %s describes", b->part, name,
                        b->told_by);
    }
    free(b->used);
    b->used = NULL;
    return b->status;
}

void binder_fail(struct binder *b, enum ltd_status status, const char *format, ...)
{
    va_list args;
    char text[400];

    if (b->status != LTD_OK)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    b->status = ltd_fail(b->err, status, "%s", text);
}

size_t binder_enter(struct binder *b, const char *format, ...)
{
    const size_t before = b->prefix_length, room = sizeof b->prefix - before;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(b->prefix + before, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 2 > room) {
        binder_fail(b, LTD_EFORMAT, "%s: a tensor name is too long", b->part);
        b->prefix[before] = '\0';
        return before;
    }
    b->prefix_length = before + (size_t)n + 1;
    b->prefix[b->prefix_length - 1] = '.';
    b->prefix[b->prefix_length] = '\0';
    return before;
}

void binder_leave(struct binder *b, size_t length)
{
    b->prefix_length = length;
    b->prefix[length] = '\0';
}

static const struct weight *find(const struct binder *b, const char *name)
{
    char full[2 * BINDER_NAME_MAX];

    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    return weight_set_find(b->weights, full);
}

bool binder_has(const struct binder *b, const char *name)
{
    return find(b, name) != NULL;
}

static void print_shape(char *out, size_t size, int rank, const size_t *dim)
{
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%zu", i ? ", " : "", dim[i]);
}

static bool has_shape(const struct weight *w, int rank, const size_t *dim)
{
    return w->rank == rank && memcmp(w->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

static void mark_used(struct binder *b, const struct weight *w)
{
    /* Weights stand in the set's one array, sorted by name. */
    b->used[w - weight_set_at(b->weights, 0)] = true;
}

static void complain_missing(struct binder *b, const char *name, const char *shape)
{
    char text[2 * BINDER_NAME_MAX + 128];

    snprintf(text, sizeof text, "%s%s [%s]", b->prefix, name, shape);
    if (b->report)
        ltd_json_append(b->report->missing, ltd_json_new_string(text));
    else
        binder_fail(b, LTD_EFORMAT, "%s: tensor %s is missing", b->part, text);
}

static void complain(struct binder *b, const struct weight *w, const char *what)
{
    char text[800];

    snprintf(text, sizeof text, "%s: tensor %.300s %s", b->part, w->name, what);
    if (b->report)
        ltd_json_append(b->report->misshapen, ltd_json_new_string(text));
    else
        binder_fail(b, LTD_EFORMAT, "%s", text);
}

const struct weight *binder_take(struct binder *b, const char *name, int rank, const size_t *dim)
{
    const struct weight *w, *over;
    char want[96], got[160], text[300];

    if (b->status != LTD_OK)
        return NULL;
    w = find(b, name);
    print_shape(want, sizeof want, rank, dim);
    if (!w) {
        complain_missing(b, name, want);
        return NULL;
    }
    mark_used(b, w);
    if (!has_shape(w, rank, dim)) {
        print_shape(got, sizeof got, w->rank, w->dim);
        snprintf(text, sizeof text, "has shape [%s], but %s asks for [%s]", got, b->told_by, want);
        complain(b, w, text);
        return NULL;
    }
    over = b->overlay ? weight_overlay_find(b->overlay, w) : NULL;
    if (over)
        w = over;
    if ((over || !b->overlay) && b->use == BIND_RUN && !weight_is_finite(w)) {
        complain(b, w, "has values that are not finite");
        return NULL;
    }
    return w;
}

void *binder_array(struct binder *b, size_t count, size_t size)
{
    void *array = b->status == LTD_OK ? heap_list_alloc(b->memory, count, size) : NULL;

    if (!array)
        binder_fail(b, LTD_ENOMEM, "%s: no memory for the model", b->part);
    return array;
}

/* The weight's values where they can be read as whole ones: the format promises no alignment, and blocks are
 * read by bytes.  NULL after an error. */
static const void *aligned_values(struct binder *b, const struct weight *w)
{
    const size_t size = dtype_size(w->dtype);
    void *copy;

    if (b->use == BIND_SHAPES)
        return NULL;
    if (dtype_is_quantized(w->dtype) || (uintptr_t)w->data % size == 0)
        return w->data;
    copy = binder_array(b, w->count, size);
    if (copy)
        memcpy(copy, w->data, w->count * size);
    return copy;
}

const float *binder_vector(struct binder *b, const char *name, size_t n)
{
    const struct weight *w = binder_take(b, name, 1, &n);
    float *copy = w ? binder_array(b, n, sizeof *copy) : NULL;

    if (copy && b->use == BIND_RUN)
        weight_to_f32(w, copy);
    return copy;
}

struct matrix binder_matrix(struct binder *b, const char *name, size_t rows, size_t cols)
{
    const struct weight *found = find(b, name);
    const size_t dim[] = {rows, cols, 1, 1};
    const struct weight *w = binder_take(b, name, found && found->rank == 4 ? 4 : 2, dim);
    struct matrix m = {NULL, DTYPE_F32, rows, cols};

    if (w) {
        m.data = aligned_values(b, w);
        m.dtype = w->dtype;
    }
    return m;
}

struct matrix binder_transposed(struct binder *b, const char *name, size_t rows, size_t cols)
{
    const size_t dim[] = {cols, rows};
    const struct weight *w = binder_take(b, name, 2, dim);
    float *values = w ? malloc(w->count * sizeof *values + 1) : NULL;
    float *copy = values ? binder_array(b, w->count, sizeof *copy) : NULL;

    if (w && !values)
        binder_fail(b, LTD_ENOMEM, "%s: no memory for the model", b->part);
    if (copy && b->use == BIND_RUN) {
        weight_to_f32(w, values);
        for (size_t i = 0; i < w->count; i++)
            copy[i] = values[i % cols * rows + i / cols];
    }
    free(values);
    return (struct matrix){copy, DTYPE_F32, rows, cols};
}

struct matrix binder_conv(struct binder *b, const char *name, size_t c_out, size_t c_in, size_t kernel)
{
    const size_t dim[] = {c_out, c_in, kernel, kernel};
    struct matrix m = {NULL, DTYPE_F32, c_out, c_in * kernel * kernel};
    const struct weight *w;

    if (kernel == 1)
        return binder_matrix(b, name, c_out, c_in);
    w = binder_take(b, name, 4, dim);
    if (w) {
        m.data = aligned_values(b, w);
        m.dtype = w->dtype;
    }
    return m;
}
