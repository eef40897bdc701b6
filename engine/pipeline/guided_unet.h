/*
 * guided_unet.h - the U-Net with classifier-free guidance (Ho and Salimans 2022), as the samplers see it.
 */
#ifndef GUIDED_UNET_H
#define GUIDED_UNET_H

#include "pipeline/generation.h"
#include "sampling/denoiser.h"

/* The texts of a run, as the networks take them. */
struct guided_texts {
    struct tensor contexts; /* what conditioning_encode gave; gone where prompts do not change */
    struct {
        struct tensor added;          /* [texts, 1, 1, c] of unet_added_forward; no channels: it takes none */
        struct tensor table;          /* unet_text_forward of those that count now, [rows, ..] */
    } of[1 + LTD_MAX_CONTROLS];       /* the U-Net's; then those of the networks that control it */
    size_t now[PROMPT_MAX_PARTS + 2]; /* which these are, by row */
};

/* Encodes them, and makes the table of the first evaluation; in e's arena until the caller rewinds. */
struct guided_texts guided_texts_make(const struct generation *g, struct exec *e);

/* One run's: begun before its first evaluation, which may be one of a dry run. */
struct guided_unet {
    const struct generation *g;
    struct exec *exec;
    struct tensor x, y; /* [1, h, w, in], which all rows begin with, or [rows, ..]; [rows, h, w, c] */
    int evaluation;     /* the next one */
    /* Of it: the U-Net's; then those of the networks that control it. */
    struct unet_input input[1 + LTD_MAX_CONTROLS];
    struct tensor hint[LTD_MAX_CONTROLS]; /* what each of these makes of its picture */
    struct guided_texts *texts;
    struct tensor deep; /* [rows, h, w, c]: what the deep layers said last; data NULL: nobody will ask */
    size_t deep_rows;   /* the last so many of them are known */
};

/* Takes what the run needs from e, until the caller rewinds past it.  shape is a latent's, [1, h, w, c];
 * shown, [1, h, w, any], what the network sees behind it. */
void guided_unet_begin(struct guided_unet *unet, const struct generation *g, struct exec *e,
                       struct guided_texts *texts, struct tensor shape, struct tensor shown);

/* All evaluations, on a dry exec. */
void guided_unet_measure(struct guided_unet *unet);

/* The next evaluation: out is the guidance_sum of what the network says to the rows.  A predict of struct
 * denoiser, called for all evaluations in turn. */
bool guided_unet_predict(void *self, float *out, const float *x, double timestep);

#endif
