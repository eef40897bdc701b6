/*
 * tensor.h - a view of f32 values, [n, h, w, c] row-major (NHWC): images and latents as they are, and token
 * matrices [n, tokens, c] with h = tokens, w = 1.  A view owns nothing.
 */
#ifndef TENSOR_H
#define TENSOR_H

#include <stddef.h>

struct tensor {
    float *data;
    size_t n, h, w, c;
};

static inline size_t tensor_rows(struct tensor t)
{
    return t.n * t.h * t.w;
}

static inline size_t tensor_count(struct tensor t)
{
    return tensor_rows(t) * t.c;
}

/* The same values under another shape of equal count. */
static inline struct tensor tensor_as_tokens(struct tensor t)
{
    return (struct tensor){t.data, t.n, t.h * t.w, 1, t.c};
}

/* So many items of the batch, from `first` on. */
static inline struct tensor tensor_items(struct tensor t, size_t first, size_t count)
{
    return (struct tensor){t.data + first * t.h * t.w * t.c, count, t.h, t.w, t.c};
}

static inline struct tensor tensor_item(struct tensor t, size_t i)
{
    return tensor_items(t, i, 1);
}

#endif
