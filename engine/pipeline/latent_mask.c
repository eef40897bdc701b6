#include "pipeline/latent_mask.h"

#include <string.h>

#include "pipeline/inpaint.h"

void latent_mask_reserve(struct latent_mask *m, const struct generation *g, struct exec *e,
                         struct tensor shape)
{
    const size_t n = tensor_count(shape);

    *m = (struct latent_mask){.g = g,
                              .n = n,
                              .pixels = shape.h * shape.w,
                              .clean = arena_alloc(e->arena, n, sizeof *m->clean),
                              .noise = arena_alloc(e->arena, n, sizeof *m->noise),
                              .shown = arena_alloc(e->arena, n, sizeof *m->shown)};
}

static bool is_kept(const struct latent_mask *m, size_t i)
{
    return m->g->inpaint->kept[i % m->pixels];
}

static bool follows_a1111(const struct latent_mask *m)
{
    return m->g->params->profile == LTD_PROFILE_A1111;
}

bool latent_mask_keeps(const struct latent_mask *m)
{
    return follows_a1111(m) || !m->g->model->info.inpaints;
}

/* Of these its program makes a sampler of its own kind. */
static bool shows_clean_latent(const struct latent_mask *m)
{
    const enum ltd_sampler sampler = m->g->params->sampler;

    return follows_a1111(m) &&
           (sampler == LTD_SAMPLER_DDIM || sampler == LTD_SAMPLER_PNDM || sampler == LTD_SAMPLER_UNIPC);
}

void latent_mask_start(struct latent_mask *m, float *x, const float *noise, struct torch_rng *rng)
{
    const struct ltd_gen_params *p = m->g->params;

    for (size_t i = 0; i < m->n; i++) {
        if (!is_kept(m, i) && p->masked_content == LTD_MASKED_NOISE)
            x[i] = noise[i];
        else if (!is_kept(m, i) && p->masked_content == LTD_MASKED_NOTHING)
            x[i] = 0;
    }
    memcpy(m->clean, x, m->n * sizeof *x);
    memcpy(m->noise, noise, m->n * sizeof *noise);
    if (follows_a1111(m) || p->strength < 1) {
        sampling_start_from_latent(m->g->plan, x, noise, m->n);
    } else {
        memcpy(x, noise, m->n * sizeof *x);
        sampling_start_from_noise(m->g->plan, x, m->n);
    }
    /* diffusers encodes what the mask leaves of the picture, too, although this U-Net does not want to see
     * it.
     */
    if (latent_mask_keeps(m) && !follows_a1111(m) && vae_spreads(vae_config(m->g->model->vae)))
        torch_rng_normal(rng, m->shown, m->n);
}

static bool predict(void *self, float *out, const float *x, double timestep)
{
    struct latent_mask *m = self;

    memcpy(m->shown, x, m->n * sizeof *x);
    for (size_t i = 0; i < m->n && shows_clean_latent(m); i++)
        if (is_kept(m, i))
            m->shown[i] = m->clean[i];
    if (!m->inner.predict(m->inner.self, out, m->shown, timestep))
        return false;
    for (size_t i = 0; i < m->n && follows_a1111(m) && !shows_clean_latent(m); i++)
        if (is_kept(m, i))
            out[i] = sampling_known_word(m->g->plan, m->done, m->clean[i], x[i]);
    return true;
}

static void settle(void *self, float *x, int done)
{
    struct latent_mask *m = self;

    m->done = done;
    if (follows_a1111(m) && done < sampling_plan_evaluations(m->g->plan))
        return;
    for (size_t i = 0; i < m->n; i++)
        if (is_kept(m, i))
            x[i] = sampling_known_sample(m->g->plan, done, m->clean[i], m->noise[i]);
}

struct denoiser latent_mask_around(struct latent_mask *m, struct denoiser inner)
{
    m->inner = inner;
    return (struct denoiser){predict, m, settle};
}
