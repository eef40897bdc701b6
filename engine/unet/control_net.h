/*
 * control_net.h - a network that holds a U-Net to a picture (Zhang et al. 2023, "ControlNet"; diffusers:
 * ControlNetModel).
 *
 * It is a copy of the U-Net's way down and of its middle, which sees the picture as well, with a convolution
 * 1x1 behind each feature map, whose results are added to the U-Net's own.
 */
#ifndef CONTROL_NET_H
#define CONTROL_NET_H

#include "unet/unet.h"

struct control_net;

/* Opens a diffusers folder (config.json and diffusion_pytorch_model.safetensors, or its shards), or one
 * .safetensors file with diffusers' names or those of the first publication (compvis.h), which has base's
 * levels then; with BIND_SHAPES the file is closed again.  Messages have no path.  Errors: LTD_EUNSUPPORTED
 * no control network, or a part of one, one with keys that are not known, one that is made for another U-Net
 * than base, or a base that takes none; LTD_EFORMAT (names the tensor), LTD_ENOTFOUND, LTD_EIO, LTD_ENOMEM.
 */
LTD_MUST_USE enum ltd_status control_net_open(const char *path, const struct unet_config *base,
                                              enum bind_use use, struct control_net **out,
                                              struct ltd_error *err);
void control_net_close(struct control_net *net); /* NULL is fine */

/* Pixels of its picture to a pixel of the latent, on a side. */
size_t control_net_factor(const struct control_net *net);

/* The half of a U-Net that it is: its tables of texts and of times are made by this one's functions. */
const struct unet *control_net_encoder(const struct control_net *net);

/* y [1, h, w, level 0's channels] = what it makes of its picture [1, h factor, w factor, 3], values of 0..1;
 * the same in all steps. */
void control_net_hint(const struct control_net *net, struct exec *e, struct tensor y, struct tensor picture);

/* sum = weight * net(x, hint), or, with `add`, sum += that.  sum's tensors are as unet_control_take makes
 * them for the base; their items say how many the pass has.  x [1 or items, h, w, in_channels]; input's
 * tables are this network's, its deep and its control unused. */
void control_net_forward(const struct control_net *net, struct exec *e, struct unet_control *sum, bool add,
                         double weight, struct tensor x, struct tensor hint, const struct unet_input *input);

#endif
