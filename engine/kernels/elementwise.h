/*
 * elementwise.h - what happens to each value, or each channel, on its own.
 */
#ifndef ELEMENTWISE_H
#define ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/exec.h"

enum activation { ACTIVATION_SILU, ACTIVATION_QUICK_GELU, ACTIVATION_GELU };

/* y = f(x); y may be x. */
void activate(struct exec *e, struct tensor y, struct tensor x, enum activation f);

/* y = x * scale; y may be x. */
void scale_by(struct exec *e, struct tensor y, struct tensor x, double scale);

/* y [n, h, w, c] += v [c] at every pixel. */
void add_per_channel(struct exec *e, struct tensor y, const float *v);

/* y [n, h, w, c] = y * (1 + v [0:c]) + v [c:2c] at every pixel. */
void scale_shift_per_channel(struct exec *e, struct tensor y, const float *v);

/* y [n, h, w, a.c + b.c] = a and b side by side, a first.  b has n items, or one for all. */
void concat_channels(struct exec *e, struct tensor y, struct tensor a, struct tensor b);

/* y = x. */
void copy_tensor(struct exec *e, struct tensor y, struct tensor x);

/* Items `from` and up of y become copies of item 0. */
void repeat_first_item(struct exec *e, struct tensor y, size_t from);

#endif
