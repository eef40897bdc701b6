/*
 * tiny_coder.h - the two halves of a tiny autoencoder (Ollin Boer Bohan 2023, TAESD; diffusers:
 * autoencoders.vae EncoderTiny and DecoderTiny).
 */
#ifndef TINY_CODER_H
#define TINY_CODER_H

#include "nn/layers.h"
#include "vae/vae_config.h"

/* relu(x + conv(relu(conv(relu(conv(x)))))) (diffusers: AutoencoderTinyBlock) */
struct tiny_block {
    struct conv2d conv[3];
};

/* The blocks of one resolution and the convolution that leaves it. */
struct tiny_level {
    struct tiny_block *blocks;
    size_t count;
    struct conv2d resample; /* of all levels but the last */
};

struct tiny_coder {
    struct conv2d conv_in, conv_out;
    struct tiny_level level[VAE_MAX_LEVELS]; /* in the order of the data */
    size_t levels;
};

/* Under the prefixes "encoder" and "decoder". */
void tiny_encoder_bind(struct tiny_coder *c, struct binder *b, const struct vae_config *config);
void tiny_decoder_bind(struct tiny_coder *c, struct binder *b, const struct vae_config *config);

/* latent [n, h, w, latent_channels] = encoder(image of -1..1) */
void tiny_encoder_forward(const struct tiny_coder *c, struct exec *e, struct tensor latent,
                          struct tensor image);
/* image of about -1..1 = decoder(latent) */
void tiny_decoder_forward(const struct tiny_coder *c, struct exec *e, struct tensor image,
                          struct tensor latent);

#endif
