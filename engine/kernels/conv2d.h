/*
 * conv2d.h - two-dimensional convolution of NHWC activations.
 */
#ifndef CONV2D_H
#define CONV2D_H

#include <stdbool.h>

#include "kernels/gemm.h"
#include "tensor/exec.h"

/* What a convolution is.  The weight is [c_out, c_in * kernel * kernel], a row being [c_in][ky][kx]. */
struct conv2d {
    struct matrix weight;
    const float *bias; /* [c_out]; NULL: none */
    size_t c_in, c_out, kernel, stride;
    size_t
        pad_before; /* zero rows above and columns left; what lies beyond the other edges is zero as well */
    bool wraps;    /* beyond an edge lies the opposite one, not zero; pad_before rows and columns all round */
    bool upsample; /* the input is first doubled by nearest neighbour, without being stored */
    const float *slope; /* [c_out], of a kernel above 1: what outputs below 0 are multiplied by at the end
                           (leaky or parametric ReLU); NULL: they stay */
};

/* y [n, h', w', c_out] = conv(x [n, h, w, c_in]) + bias, and + addend (as y) unless its data is NULL.  h' and
 * w' are the caller's: y's shape says how many outputs are wanted.  y overlaps x in no value, and may be the
 * addend.  With a kernel above 1 all three may have more channels: of x the first are read, of y the first
 * are written, so that both can be channels of one tensor (dense blocks). */
void conv2d(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv,
            struct tensor addend);

#endif
