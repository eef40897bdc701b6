#include "pipeline/shown_picture.h"

#include "pipeline/inpaint.h"
#include "pipeline/latent_layout.h"
#include "pipeline/picture_latent.h"

size_t shown_picture_channels(const struct ltd_model *model)
{
    return unet_config(model->unet)->in_channels - (size_t)model->info.latent_channels;
}

bool shown_picture_is_all(const struct ltd_model *model, const struct ltd_gen_params *params)
{
    const bool hides = model->info.inpaints || (model->info.edits && !params->mask);

    return hides && params->profile == LTD_PROFILE_DIFFUSERS && params->strength >= 1;
}

/* 1 where the picture is drawn anew; of each square of pixels the first one counts. */
static void show_mask(const struct generation *g, struct tensor shown)
{
    const struct ltd_image *mask = g->inpaint ? g->inpaint->mask : NULL;
    const size_t factor = (size_t)g->model->info.vae_factor;

    for (size_t i = 0; i < shown.h * shown.w; i++) {
        const size_t pixel = (i / shown.w * factor * shown.w + i % shown.w) * factor;

        shown.data[i * shown.c] = !mask || mask->pixels[3 * pixel] >= 128 ? 1.0f : 0.0f;
    }
}

static void show_left(struct generation *g, struct exec *e, struct tensor shown, struct tensor shape)
{
    const size_t mark = exec_mark(e), n = tensor_count(shape);
    float *left = arena_alloc(e->arena, n, sizeof *left);
    float *spread = arena_alloc(e->arena, n, sizeof *spread);

    picture_latent_draw(g, e, generation_spread_rng(g), spread, n);
    picture_latent(g, e, left, shape, g->inpaint ? g->inpaint->image : NULL,
                   g->inpaint ? g->inpaint->mask : NULL, spread);
    if (!exec_is_dry(e)) {
        show_mask(g, shown);
        latent_to_channels(shown, 1, left, shape.c);
    }
    exec_rewind(e, mark);
}

static void show_whole(struct generation *g, struct exec *e, struct tensor shown, struct tensor shape)
{
    const size_t mark = exec_mark(e), n = tensor_count(shape);
    float *latent = arena_alloc(e->arena, n, sizeof *latent);

    picture_latent(g, e, latent, shape, g->inpaint ? g->inpaint->image : g->params->init_image, NULL, NULL);
    if (!exec_is_dry(e)) {
        if (g->model->shows_scaled)
            for (size_t i = 0; i < n; i++)
                latent[i] *= (float)vae_config(g->model->vae)->scaling_factor;
        latent_to_channels(shown, 0, latent, shape.c);
    }
    exec_rewind(e, mark);
}

void shown_picture_make(struct generation *g, struct exec *e, struct tensor shown, struct tensor shape)
{
    (g->model->info.inpaints ? show_left : show_whole)(g, e, shown, shape);
}
