/*
 * elementwise.h - what happens to each value, or each channel, on its own.
 */
#ifndef ELEMENTWISE_H
#define ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/exec.h"

enum activation { ACTIVATION_SILU, ACTIVATION_QUICK_GELU, ACTIVATION_GELU, ACTIVATION_RELU };

/* y = f(x); y may be x. */
void activate(struct exec *e, struct tensor y, struct tensor x, enum activation f);

/* y = x * scale; y may be x. */
void scale_by(struct exec *e, struct tensor y, struct tensor x, double scale);

/* y = x * scale + shift; y may be x. */
void scale_and_shift(struct exec *e, struct tensor y, struct tensor x, double scale, double shift);

/* y = tanh(x / limit) * limit; y may be x. */
void limit_softly(struct exec *e, struct tensor y, struct tensor x, double limit);

/* y += x * scale; x has n items, or one for all.  Where one has more channels, the first of them. */
void add_scaled(struct exec *e, struct tensor y, struct tensor x, double scale);

/* y [n, h, w, c] += v [n, 1, 1, c] at every pixel; v has n items, or one for all. */
void add_per_channel(struct exec *e, struct tensor y, struct tensor v);

/* y [n, h, w, c] = y * (1 + v [n, 0:c]) + v [n, c:2c] at every pixel; v has n items, or one for all. */
void scale_shift_per_channel(struct exec *e, struct tensor y, struct tensor v);

/* y [n, h, w, a.c + b.c] = a and b side by side, a first.  b has n items, or one for all. */
void concat_channels(struct exec *e, struct tensor y, struct tensor a, struct tensor b);

/* y = x. */
void copy_tensor(struct exec *e, struct tensor y, struct tensor x);

/* The first channels of y become x, which has as many pixels, and no more channels. */
void copy_channels(struct exec *e, struct tensor y, struct tensor x);

/* Items `from` and up of y become copies of item 0. */
void repeat_first_item(struct exec *e, struct tensor y, size_t from);

#endif
