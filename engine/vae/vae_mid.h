/*
 * vae_mid.h - the middle of both halves of the VAE: resblock, attention over all pixels, resblock (diffusers:
 * UNetMidBlock2D).
 */
#ifndef VAE_MID_H
#define VAE_MID_H

#include "nn/resblock.h"

struct vae_mid {
    struct resblock first, last;
    bool attends;
    struct group_norm norm;
    struct linear q, k, v, out; /* one head over all channels */
};

/* Under the prefix "mid_block", and the names of before diffusers 0.17 as well. */
void vae_mid_bind(struct vae_mid *m, struct binder *b, size_t channels, size_t groups, bool attends);
/* y = mid(x); y may not overlap x. */
void vae_mid_forward(const struct vae_mid *m, struct exec *e, struct tensor y, struct tensor x);
/* y = the key projection's output for x */
void vae_mid_keys(const struct vae_mid *m, struct exec *e, struct tensor y, struct tensor x);

/* The resblocks of the VAE: no time embedding, eps 1e-6. */
void vae_resblock_bind(struct resblock *r, struct binder *b, size_t c_in, size_t c_out, size_t groups);

#endif
