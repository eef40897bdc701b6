/*
 * resblock.h - the residual block of the U-Net and of the VAE (diffusers: ResnetBlock2D).
 */
#ifndef RESBLOCK_H
#define RESBLOCK_H

#include "nn/layers.h"

enum time_embedding_use { TIME_NONE, TIME_ADD, TIME_SCALE_SHIFT };

struct resblock_config {
    size_t c_in, c_out;
    size_t c_time; /* channels of the time embedding; unused with TIME_NONE */
    enum time_embedding_use time;
    size_t groups;
    double eps;
    double output_scale; /* the sum is divided by it; 1 in every Stable Diffusion */
};

struct resblock {
    struct resblock_config config;
    struct group_norm norm1, norm2;
    struct conv2d conv1, conv2, shortcut; /* shortcut: 1x1, bound where c_in != c_out */
    struct linear time_proj;
};

/* How many values of a timestep a resblock takes: what it adds to each channel, or its scales and shifts. */
static inline size_t resblock_time_channels(const struct resblock_config *config)
{
    return config->time == TIME_NONE ? 0 : config->time == TIME_ADD ? config->c_out : 2 * config->c_out;
}

void resblock_bind(struct resblock *r, struct binder *b, const struct resblock_config *config);

/* y [times, resblock_time_channels] = time_proj(x), where x [times, c_time] are time embeddings that have
 * been through silu already. */
void resblock_time_forward(const struct resblock *r, struct exec *e, struct tensor y, struct tensor x);

/* y [n, h, w, c_out] = (skip(x) + conv2(silu(norm2(conv1(silu(norm1(x))) with time)))) / output_scale, where
 * time [n or 1, 1, 1, resblock_time_channels] is rows of what resblock_time_forward gives, one an item or one
 * for all; unused with TIME_NONE.  y may not overlap x.  An input that nobody needs afterwards can be spent:
 * its memory then serves for silu(norm1(x)). */
enum resblock_input { KEEP_INPUT, SPEND_INPUT };
#define RESBLOCK_NO_TIME ((struct tensor){0})
void resblock_forward(const struct resblock *r, struct exec *e, struct tensor y, struct tensor x,
                      struct tensor time, enum resblock_input input);

#endif
