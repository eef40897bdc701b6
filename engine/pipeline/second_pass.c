#include "pipeline/second_pass.h"

#include <limits.h>
#include <math.h>

void ltd_params_final_size(const struct ltd_model *model, const struct ltd_gen_params *params, int *width,
                           int *height)
{
    const int factor = model->info.vae_factor;

    *width = params->width;
    *height = params->height;
    if (params->hr_scale <= 1)
        return;
    *width = (int)fmin(params->width * params->hr_scale, INT_MAX) / factor * factor;
    *height = (int)fmin(params->height * params->hr_scale, INT_MAX) / factor * factor;
}

void second_pass_init(struct second_pass *pass, const struct ltd_model *model,
                      const struct ltd_gen_params *params)
{
    *pass = (struct second_pass){.first = *params,
                                 .second = *params,
                                 .latent = params->hr_upscaler == LTD_HR_LATENT ||
                                           params->hr_upscaler == LTD_HR_LATENT_NEAREST};
    ltd_params_final_size(model, params, &pass->second.width, &pass->second.height);
    pass->first.hr_scale = pass->second.hr_scale = 0;
    if (params->hr_steps > 0)
        pass->second.steps = params->hr_steps;
    pass->unseen = (struct ltd_image){pass->second.width, pass->second.height, NULL};
    pass->second.init_image = &pass->unseen;
}

struct ltd_upscale_params second_pass_upscale(const struct second_pass *pass, const struct ltd_image *small)
{
    return (struct ltd_upscale_params){.image = small,
                                       .upscaler = pass->first.hr_network,
                                       .width = pass->second.width,
                                       .height = pass->second.height,
                                       .numerics = pass->first.numerics};
}

/* Where position i of `out` lies among `in`, and how much of the next one it has. */
struct place {
    size_t first, next;
    float share;
};

static struct place place_of(size_t i, size_t in, size_t out, bool nearest)
{
    const float scale = (float)in / (float)out, at = ((float)i + 0.5F) * scale - 0.5F;
    struct place p = {.first = (size_t)floorf((float)i * scale)};

    if (!nearest) {
        p.first = at > 0 ? (size_t)at : 0;
        p.share = at > 0 ? at - (float)p.first : 0;
    }
    p.next = p.first + 1 < in ? p.first + 1 : p.first;
    return p;
}

void second_pass_enlarge(float *large, struct tensor large_shape, const float *latent, struct tensor shape,
                         enum ltd_hr_upscaler upscaler)
{
    const bool nearest = upscaler == LTD_HR_LATENT_NEAREST;

    for (size_t c = 0; c < shape.c; c++)
        for (size_t y = 0; y < large_shape.h; y++) {
            const struct place row = place_of(y, shape.h, large_shape.h, nearest);
            const float *above = latent + (c * shape.h + row.first) * shape.w;
            const float *below = latent + (c * shape.h + row.next) * shape.w;

            for (size_t x = 0; x < large_shape.w; x++) {
                const struct place p = place_of(x, shape.w, large_shape.w, nearest);
                const float top = (1 - p.share) * above[p.first] + p.share * above[p.next];
                const float bottom = (1 - p.share) * below[p.first] + p.share * below[p.next];

                *large++ = (1 - row.share) * top + row.share * bottom;
            }
        }
}
