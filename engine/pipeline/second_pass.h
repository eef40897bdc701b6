/*
 * second_pass.h - a picture that is drawn twice: at its own size, and larger, beginning with the first (hires
 * fix).
 *
 * As AUTOMATIC1111's StableDiffusionProcessingTxt2Img.sample_hr_pass: between the two, the latent or the
 * picture is made larger; the second is img2img with the noise of the same seed.
 */
#ifndef SECOND_PASS_H
#define SECOND_PASS_H

#include <latentd/upscale.h>

#include "pipeline/generation.h"

struct second_pass {
    struct ltd_gen_params first, second; /* the second's image has no pixels until there are some */
    struct ltd_image unseen;             /* of the second's size, without pixels */
    bool latent;                         /* what is made larger is the latent */
};

/* The two requests that params, which has an hr_scale, stands for. */
void second_pass_init(struct second_pass *pass, const struct ltd_model *model,
                      const struct ltd_gen_params *params);

/* How small, which needs no pixels to be planned, becomes the second's picture by a network. */
struct ltd_upscale_params second_pass_upscale(const struct second_pass *pass, const struct ltd_image *small);

/* large [c, h', w'] is the latent [c, h, w] at another size, as torch's interpolate makes it. */
void second_pass_enlarge(float *large, struct tensor large_shape, const float *latent, struct tensor shape,
                         enum ltd_hr_upscaler upscaler);

#endif
