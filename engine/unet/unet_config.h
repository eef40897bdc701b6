/*
 * unet_config.h - what a UNet2DConditionModel's config.json says, checked.
 */
#ifndef UNET_CONFIG_H
#define UNET_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/json.h>

#define UNET_CLASS      "UNet2DConditionModel"
#define UNET_MAX_LEVELS 8
#define UNET_MAX_LAYERS 16 /* resblocks of a level */
#define UNET_MAX_SKIPS  (UNET_MAX_LEVELS * (UNET_MAX_LAYERS + 1) + 1)

enum unet_mid { UNET_MID_NONE, UNET_MID_PLAIN, UNET_MID_CROSS_ATTENTION };

/* One resolution; level 0 is the finest.  The up path runs the levels backwards. */
struct unet_level {
    size_t channels;
    size_t layers; /* resblocks on the way down; one more on the way up */
    size_t heads;
    /* Transformer blocks after each resblock, where there is attention */
    size_t depth_down[UNET_MAX_LAYERS], depth_up[UNET_MAX_LAYERS + 1];
    bool attention_down, attention_up;
    bool only_cross_attention;
};

struct unet_config {
    size_t in_channels, out_channels, context_channels;
    size_t levels;
    struct unet_level level[UNET_MAX_LEVELS];
    enum unet_mid mid;
    size_t mid_depth; /* transformer blocks of its attention */
    size_t groups;
    double norm_eps, mid_output_scale;
    size_t conv_in_kernel, conv_out_kernel;
    size_t downsample_padding;
    size_t time_channels; /* of the time embedding */
    bool flip_sin_to_cos;
    double frequency_shift;
    bool center_input;        /* the network sees 2x - 1 */
    bool time_scale_shift;    /* the time embedding scales and shifts, instead of being added */
    size_t guidance_channels; /* of the sinusoids of the guidance scale that it takes; 0: none */
    /* What is added to the time embedding (Stable Diffusion XL): of a pooled text with the sinusoids of sizes
     * behind it, and of one such sinusoid; 0: nothing is */
    size_t added_channels, added_size_channels;
    size_t sample_height, sample_width; /* latent pixels the network was trained at; 0: not said */
};

/* The least height and width of a latent: without padding, each level down is half of the last one, rounded
 * down. */
static inline size_t unet_min_side(const struct unet_config *config)
{
    return config->downsample_padding > 0 ? 1 : (size_t)1 << (config->levels - 1);
}

/* Errors: LTD_ENOTFOUND, LTD_EIO, LTD_EFORMAT, LTD_EUNSUPPORTED (names the key), LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status unet_config_read(const char *path, struct unet_config *out,
                                              struct ltd_error *err);

/* The same of a config that has been read; file is for messages, and class_name is what its _class_name is to
 * be: UNET_CLASS, or that of a network with the same keys and no way up. */
LTD_MUST_USE enum ltd_status unet_config_parse(const struct ltd_json *json, const char *file,
                                               const char *class_name, struct unet_config *out,
                                               struct ltd_error *err);

#endif
