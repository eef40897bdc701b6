/*
 * guided_unet.h - the U-Net with classifier-free guidance (Ho and Salimans 2022), as the samplers see it.
 */
#ifndef GUIDED_UNET_H
#define GUIDED_UNET_H

#include "pipeline/generation.h"
#include "sampling/denoiser.h"

/* One run's: begun before its first evaluation, which may be one of a dry run. */
struct guided_unet {
    const struct generation *g;
    struct exec *exec;
    struct tensor x, y;      /* [1, h, w, c], which all rows begin with; [rows, h, w, c] */
    struct unet_input input; /* of the next evaluation; its tables serve all of them */
    int guided, guided_end;  /* evaluations that have guidance: the first, and the one behind the last */
    struct tensor deep;      /* [rows, h, w, c]: what the deep layers said last; data NULL: nobody will ask */
    size_t deep_rows;        /* the last so many of them are known */
};

/* Takes what the run needs from e, until the caller rewinds past it.  texts is the table of what it draws;
 * shape is a latent's, [1, h, w, c]. */
void guided_unet_begin(struct guided_unet *unet, const struct generation *g, struct exec *e,
                       struct tensor texts, struct tensor shape);

/* All evaluations, on a dry exec. */
void guided_unet_measure(struct guided_unet *unet);

/* The next evaluation: out = e_u + w (e_c - e_u) with guidance, else e_c.  A predict of struct denoiser,
 * called for all evaluations in turn. */
bool guided_unet_predict(void *self, float *out, const float *x, double timestep);

#endif
