/*
 * taesd.h - a tiny autoencoder as it was first published (Ollin Boer Bohan 2023, TAESD): the encoder and the
 * decoder in a file each, whose tensors have the numbers of their layers for names ("3.conv.0.weight").
 *
 * diffusers numbers them in the same way, but leaves out the decoder's first layer, which has no weights.
 */
#ifndef TAESD_H
#define TAESD_H

#include "weights/weight_set.h"

bool taesd_is_encoder(const struct weight_set *file);
bool taesd_is_decoder(const struct weight_set *file);

/* weight_name_fns without an arg: diffusers' names; the file's own name for a tensor that has no place. */
weight_name_fn taesd_encoder_name, taesd_decoder_name;

#endif
