/*
 * vae_coder.h - the two halves of the VAE (diffusers: autoencoders.vae Encoder and Decoder).
 */
#ifndef VAE_CODER_H
#define VAE_CODER_H

#include "vae/vae_config.h"
#include "vae/vae_mid.h"

/* The resblocks of one resolution and the convolution that leaves it */
struct vae_level {
    struct resblock *resblocks;
    size_t count;
    struct conv2d resample;
    bool resamples;
};

struct vae_coder {
    struct conv2d conv_in, conv_out;
    struct vae_level level[VAE_MAX_LEVELS]; /* in the order of the data */
    size_t levels;
    struct vae_mid mid;
    struct group_norm norm_out;
};

/* Under the prefixes "encoder" and "decoder". */
void vae_encoder_bind(struct vae_coder *c, struct binder *b, const struct vae_config *config);
void vae_decoder_bind(struct vae_coder *c, struct binder *b, const struct vae_config *config);

/* moments [n, h, w, 2 * latent] = encoder(image); before the quant_conv */
void vae_encoder_forward(const struct vae_coder *c, struct exec *e, struct tensor moments,
                         struct tensor image);
/* image = decoder(latent); behind the post_quant_conv */
void vae_decoder_forward(const struct vae_coder *c, struct exec *e, struct tensor image,
                         struct tensor latent);

/* What the key projection of the middle attention gives. */
void vae_encoder_keys_forward(const struct vae_coder *c, struct exec *e, struct tensor y,
                              struct tensor image);
void vae_decoder_keys_forward(const struct vae_coder *c, struct exec *e, struct tensor y,
                              struct tensor latent);

#endif
