/*
 * pixel_shuffle.h - between many channels and many pixels (torch.nn.PixelShuffle and PixelUnshuffle).
 */
#ifndef PIXEL_SHUFFLE_H
#define PIXEL_SHUFFLE_H

#include "tensor/exec.h"

/* y [n, r h, r w, c] = x [n, h, w, c r^2]: channel (c, i, j) of a pixel becomes its pixel at row i and column
 * j of r each.  r follows from the shapes. */
void pixel_shuffle(struct exec *e, struct tensor y, struct tensor x);
/* The way back: y [n, h, w, c r^2] of x [n, r h, r w, c]. */
void pixel_unshuffle(struct exec *e, struct tensor y, struct tensor x);

#endif
