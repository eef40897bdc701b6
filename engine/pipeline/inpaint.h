/*
 * inpaint.h - the pixels of inpainting: what is encoded, what mask the latent has, what the result is pasted
 * into.
 */
#ifndef INPAINT_H
#define INPAINT_H

#include <latentd/params.h>

#include "image/masked_area.h"

struct inpaint {
    struct ltd_image *image; /* what is drawn over, of the request's width and height */
    struct ltd_image *mask;  /* of the same size: what is drawn anew is 128 and more */
    bool *kept;              /* [height / factor, width / factor]: of the latent, all channels */
    struct ltd_image *paste; /* grey: how much of the result there is of what was drawn; NULL: all */
    struct image_area area;  /* of the init image: what is drawn, where that is not all of it */
};

/* Prepares params' picture and mask as its profile does, for a model whose VAE has that factor.  The caller
 * frees *out.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status inpaint_new(const struct ltd_gen_params *params, int factor,
                                         struct inpaint **out, struct ltd_error *err);
void inpaint_free(struct inpaint *inpaint); /* NULL is fine */

/* Lays back what the mask has kept: *picture is what was drawn, and becomes the result, of the init image's
 * size.  Errors: LTD_ENOMEM; *picture is what it was then. */
LTD_MUST_USE enum ltd_status inpaint_finish(const struct inpaint *inpaint,
                                            const struct ltd_gen_params *params, struct ltd_image **picture,
                                            struct ltd_error *err);

#endif
