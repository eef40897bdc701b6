/*
 * preview.h - what a latent is about to look like, without decoding it: a linear map from its channels to
 * red, green and blue.
 *
 * The map is fitted by least squares to what the model's own decoder makes of small random latents, when the
 * first preview is wanted.  There are as many of them as take about half a second on two slow cores: with a
 * large decoder two, with a small one eight.
 */
#ifndef PREVIEW_H
#define PREVIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "vae/vae.h"

struct preview; /* one model's map, shared by all its sessions */

/* Borrows vae.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status preview_new(const struct vae *vae, struct preview **out, struct ltd_error *err);
void preview_free(struct preview *preview); /* NULL is fine */

/* Makes the map on pool, unless it is there; safe on any thread.  False: there is none now, since *cancel (if
 * not NULL) became true, memory is short, or another thread is at it. */
bool preview_ready(struct preview *preview, struct pool *pool, const atomic_bool *cancel);

/* rgb [pixels, 3] = the picture of latent [channels, pixels], as the U-Net sees it.  preview_ready has said
 * true. */
void preview_draw(const struct preview *preview, uint8_t *rgb, const float *latent, size_t pixels);

#endif
