/*
 * upscale_net.h - a network that makes pictures larger, of whichever architecture.
 */
#ifndef UPSCALE_NET_H
#define UPSCALE_NET_H

#include <latentd/error.h>

#include "nn/binder.h"
#include "tensor/exec.h"

struct upscale_net;

/* Opens a .safetensors file and tells the architecture, and its scale, from its tensors; with BIND_SHAPES it
 * can be run dry, and keeps nothing of the file open.  Messages do not name the path.  Errors:
 * LTD_EUNSUPPORTED no upscaler that is known; LTD_EFORMAT, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status upscale_net_open(const char *path, enum bind_use use, struct upscale_net **out,
                                              struct ltd_error *err);
void upscale_net_close(struct upscale_net *net); /* NULL is fine */

const char *upscale_net_architecture(const struct upscale_net *net); /* "esrgan", "compact"; static storage */
size_t upscale_net_factor(const struct upscale_net *net);            /* 1.. */
/* Sides of its pictures are multiples of this: 1, 2 or 4. */
size_t upscale_net_unit(const struct upscale_net *net);

/* y [1, factor h, factor w, 3] = net(x [1, h, w, 3]), of values from 0 to 1; y's may go beyond. */
void upscale_net_forward(const struct upscale_net *net, struct exec *e, struct tensor y, struct tensor x);

#endif
