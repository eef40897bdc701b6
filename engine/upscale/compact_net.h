/*
 * compact_net.h - a chain of convolutions that says how a picture enlarged by nearest neighbour is to be
 * changed (basicsr: SRVGGNetCompact, of Real-ESRGAN's small models).
 */
#ifndef COMPACT_NET_H
#define COMPACT_NET_H

#include "nn/layers.h"

struct compact_net {
    size_t features, factor;
    size_t count;        /* convolutions */
    struct conv2d *conv; /* [count]; all but the last with the slopes of their PReLU */
};

/* Binds body.0 (a convolution), body.1 (its slopes), body.2, ..., and tells the net from their shapes. */
void compact_net_bind(struct compact_net *net, struct binder *b);

/* y [1, factor h, factor w, 3] = net(x [1, h, w, 3]) */
void compact_net_forward(const struct compact_net *net, struct exec *e, struct tensor y, struct tensor x);

#endif
