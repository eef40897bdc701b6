/*
 * control_net_parts.h - what an opened control network is made of; for the files of engine/unet.
 */
#ifndef CONTROL_NET_PARTS_H
#define CONTROL_NET_PARTS_H

#include "unet/control_net.h"
#include "unet/unet_network.h"

/* Each halves the sides. */
#define CONTROL_NET_MAX_HALVINGS 6

struct control_net {
    struct unet encoder;     /* down and middle alone; owns the weights and the memory */
    struct weight_set *file; /* of which those are a view; NULL: they are not one */
    /* For the picture: one in, two a halving, of which the second halves, one out. */
    struct conv2d hint[2 + 2 * CONTROL_NET_MAX_HALVINGS];
    size_t halvings;
    struct conv2d zero[UNET_MAX_SKIPS], zero_mid; /* one behind each feature map */
};

#endif
