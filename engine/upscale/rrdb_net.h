/*
 * rrdb_net.h - residual in residual dense blocks (Wang et al. 2018, "ESRGAN"; basicsr: RRDBNet).
 *
 * Enlarges twice by nearest neighbour with a convolution behind each, that is four times; a network that is
 * shown its picture with r x r pixels put into the channels of one (pixel unshuffle, Real-ESRGAN's x2 and x1)
 * enlarges r times less.
 */
#ifndef RRDB_NET_H
#define RRDB_NET_H

#include "nn/layers.h"

#define RRDB_CONVS  5 /* of a dense block */
#define RRDB_DENSE  3 /* dense blocks of a residual one */
#define RRDB_MAX_UP 4 /* doublings */

struct rrdb_dense {
    struct conv2d conv[RRDB_CONVS];
};

struct rrdb_block {
    struct rrdb_dense dense[RRDB_DENSE];
};

struct rrdb_net {
    size_t features, growth; /* channels of the trunk; of what each convolution of a dense block adds */
    size_t count, up_count;  /* residual blocks; doublings */
    size_t unshuffle;        /* pixels a side that it takes for one: 1, 2 or 4 */
    struct conv2d first, body, up[RRDB_MAX_UP], hr, last;
    struct rrdb_block *blocks; /* [count] */
};

/* Binds the weights, named as in basicsr, and tells the net from their names and shapes. */
void rrdb_net_bind(struct rrdb_net *net, struct binder *b);

static inline size_t rrdb_net_factor(const struct rrdb_net *net)
{
    return ((size_t)1 << net->up_count) / net->unshuffle;
}

/* y [1, factor h, factor w, 3] = net(x [1, h, w, 3]); h and w are multiples of unshuffle. */
void rrdb_net_forward(const struct rrdb_net *net, struct exec *e, struct tensor y, struct tensor x);

#endif
