/*
 * unet_pass.h - a forward pass under way, through a U-Net or through the half of one that a control network
 * is; for the files of engine/unet.
 */
#ifndef UNET_PASS_H
#define UNET_PASS_H

#include "unet/unet_network.h"

/* What the way down leaves for the way up, taken back last first. */
struct skips {
    struct tensor stack[UNET_MAX_SKIPS];
    size_t count;
};

static inline struct tensor skips_push(struct skips *s, struct tensor t)
{
    s->stack[s->count++] = t;
    return t;
}

/* Until the first attention, or, where embeddings are added to the time or a control to the skips, until the
 * first resblock, feature maps have one item for all that the pass is to have, where they begin alike. */
struct pass {
    struct exec *exec;
    const struct unet_input *input;
    size_t items;
    bool times_differ; /* from item to item */
    struct skips skips;
};

/* conv_in of x [items or 1, h, w, in_channels], the first skip: a tensor of so many items. */
struct tensor unet_enter(struct pass *p, const struct unet *u, struct tensor x, size_t items);

/* The way down, whose skips are pushed, and the middle: a tensor of its own where there is a middle. */
struct tensor unet_encode(struct pass *p, const struct unet *u, struct tensor h);

#endif
