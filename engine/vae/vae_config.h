/*
 * vae_config.h - what the config.json of a VAE says, checked.
 */
#ifndef VAE_CONFIG_H
#define VAE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/json.h>

#define VAE_MAX_LEVELS 8

/* One half of an AutoencoderTiny. */
struct tiny_half {
    size_t levels, channels; /* the channels of all levels */
    size_t blocks[VAE_MAX_LEVELS];
};

struct vae_config {
    size_t image_channels; /* 3 */
    size_t latent_channels;
    size_t levels;
    bool tiny; /* an AutoencoderTiny, else an AutoencoderKL */
    /* Of an AutoencoderTiny: */
    struct tiny_half encoder, decoder; /* encoder of no levels: there is none */
    /* Of an AutoencoderKL: */
    size_t channels[VAE_MAX_LEVELS]; /* level 0 is the finest */
    size_t layers;                   /* resblocks of a level in the encoder; one more in the decoder */
    size_t groups;
    bool mid_attention;
    bool quant_conv, post_quant_conv;
    /* Of both: */
    double scaling_factor; /* the U-Net's latent is z * scaling; a shift_factor is ignored, as the reference's
                              Stable Diffusion pipelines ignore it */
    size_t sample_height, sample_width;
};

/* Pixels a side of one latent pixel. */
static inline size_t vae_factor(const struct vae_config *config)
{
    return (size_t)1 << (config->levels - 1);
}

static inline bool vae_encodes(const struct vae_config *config)
{
    return !config->tiny || config->encoder.levels > 0;
}

/* Does an encoding say how far the latent may be off?  Else it is one latent. */
static inline bool vae_spreads(const struct vae_config *config)
{
    return !config->tiny;
}

/* Channels of what vae_encode gives. */
static inline size_t vae_encoded_channels(const struct vae_config *config)
{
    return (vae_spreads(config) ? 2 : 1) * config->latent_channels;
}

/* Errors: LTD_ENOTFOUND, LTD_EIO, LTD_EFORMAT, LTD_EUNSUPPORTED (names the key), LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status vae_config_read(const char *path, struct vae_config *out, struct ltd_error *err);

/* The same of a config that has been read; file is for messages. */
LTD_MUST_USE enum ltd_status vae_config_parse(const struct ltd_json *json, const char *file,
                                              struct vae_config *out, struct ltd_error *err);

#endif
