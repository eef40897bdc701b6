#include "pipeline/picture_latent.h"

#include <math.h>

static void read_pixels(struct tensor image, const struct ltd_image *picture, const struct ltd_image *mask)
{
    for (size_t i = 0; i < tensor_count(image); i++) {
        const bool hidden = !picture || (mask && mask->pixels[i] >= 128);

        image.data[i] = hidden ? 0.0f : (float)picture->pixels[i] / 255.0f * 2.0f - 1.0f;
    }
}

void picture_latent_draw(const struct generation *g, const struct exec *e, struct torch_rng *rng,
                         float *spread, size_t n)
{
    if (!exec_is_dry(e) && vae_spreads(vae_config(g->model->vae)))
        torch_rng_normal(rng, spread, n);
}

/* A value of a distribution: its mean and, `spreads` channels on, the logarithm of its variance. */
static float sample_of(const float *moment, size_t spreads, float noise)
{
    const float log_variance = fminf(fmaxf(moment[spreads], -30.0f), 20.0f);

    return moment[0] + expf(0.5f * log_variance) * noise;
}

void picture_latent(const struct generation *g, struct exec *e, float *x, struct tensor shape,
                    const struct ltd_image *picture, const struct ltd_image *mask, const float *spread)
{
    const size_t mark = exec_mark(e), n = tensor_count(shape), pixels = shape.h * shape.w;
    const struct vae_config *v = vae_config(g->model->vae);
    struct tensor image = exec_tensor(e, 1, (size_t)g->params->height, (size_t)g->params->width, 3);
    struct tensor encoded = exec_tensor(e, 1, shape.h, shape.w, vae_encoded_channels(v));

    if (!exec_is_dry(e))
        read_pixels(image, picture, mask);
    vae_encode(g->model->vae, e, encoded, image);
    for (size_t i = 0; i < n && !exec_is_dry(e); i++) {
        const float *moment = encoded.data + i % pixels * encoded.c + i / pixels;

        x[i] = moment[0];
        if (spread && vae_spreads(v))
            x[i] = sample_of(moment, shape.c, spread[i]);
        if (spread)
            x[i] *= (float)v->scaling_factor;
    }
    exec_rewind(e, mark);
}
