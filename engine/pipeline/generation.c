#include "pipeline/generation.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "pipeline/asked_run.h"
#include "pipeline/guided_unet.h"
#include "pipeline/inpaint.h"
#include "pipeline/latent_layout.h"
#include "pipeline/latent_mask.h"
#include "pipeline/picture_latent.h"
#include "pipeline/shown_picture.h"
#include "pipeline/start_noise.h"

enum ltd_status generation_init(struct generation *g, const struct ltd_model *model,
                                const struct ltd_gen_params *params, int index, struct ltd_error *err)
{
    const struct sampling_request run = asked_run(params, index);
    enum ltd_status st;

    *g = (struct generation){.model = model, .params = params, .index = index};
    control_nets_shapes(&model->control_nets, params, g->nets);
    torch_rng_init(&g->rng, run.seed);
    st = sampling_plan_new(model->schedule, &run, &g->plan, err);
    if (st != LTD_OK)
        return st;
    return conditioning_init(&g->conditioning, model, params, sampling_plan_evaluations(g->plan), err);
}

void generation_adapt(struct generation *g, const struct ltd_model *model,
                      const struct control_net *const *nets)
{
    memcpy(g->nets, nets, sizeof g->nets);
    g->model = model;
    g->conditioning.model = model;
}

void generation_recall(struct generation *g)
{
    g->report.recalled = conditioning_recall(&g->conditioning);
}

enum ltd_status generation_prepare(struct generation *g, struct ltd_error *err)
{
    const enum ltd_status st = control_maps_make(g->params, g->maps, err);

    if (st != LTD_OK || !g->params->mask)
        return st;
    return inpaint_new(g->params, g->model->info.vae_factor, &g->inpaint, err);
}

void generation_fini(struct generation *g)
{
    inpaint_free(g->inpaint);
    control_maps_free(g->maps);
    sampling_plan_free(g->plan);
    conditioning_fini(&g->conditioning);
    *g = (struct generation){0};
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* How far the clock and the count of products are at the beginning of a phase. */
struct meter {
    double seconds, flop;
};

static struct meter meter_start(const struct exec *e)
{
    return (struct meter){seconds(), e->flop};
}

static void meter_stop(const struct meter *m, const struct exec *e, double *time, double *flop)
{
    *time = seconds() - m->seconds;
    *flop = e->flop - m->flop;
}

static void tell(const struct generation *g, const struct exec *e, enum ltd_phase phase, int done, int total)
{
    if (g->watch && g->watch->progress && !exec_is_dry(e))
        g->watch->progress(g->watch->arg, phase, done, total);
}

static void draw_start(struct generation *g, struct exec *e, float *noise, struct tensor shape)
{
    start_noise(g, e, &g->rng, noise, shape);
    g->aside = g->rng;
}

/* The noise of the start, and that of the latent's distribution, which AUTOMATIC1111 draws later. */
static void draw_noise(struct generation *g, struct exec *e, float *start, float *spread, struct tensor shape)
{
    const bool later = g->params->profile == LTD_PROFILE_A1111;

    if (!later)
        picture_latent_draw(g, e, &g->rng, spread, tensor_count(shape));
    draw_start(g, e, start, shape);
    if (later)
        picture_latent_draw(g, e, &g->aside, spread, tensor_count(shape));
}

/* x [c, h, w] = the picture's latent, noised to the first step's level (img2img).  mask: NULL, or what is to
 * keep a part of it. */
static void encode_image(struct generation *g, struct exec *e, float *x, struct tensor shape,
                         struct latent_mask *mask)
{
    const size_t mark = exec_mark(e), n = tensor_count(shape);
    float *noise = arena_alloc(e->arena, n, sizeof *noise);
    float *spread = arena_alloc(e->arena, n, sizeof *spread);

    draw_noise(g, e, noise, spread, shape);
    picture_latent(g, e, x, shape, g->inpaint ? g->inpaint->image : g->params->init_image, NULL, spread);
    if (mask && !exec_is_dry(e))
        latent_mask_start(mask, x, noise, &g->rng);
    else if (!exec_is_dry(e))
        sampling_start_from_latent(g->plan, x, noise, n);
    exec_rewind(e, mark);
}

static void start_from_latent(struct generation *g, struct exec *e, float *x, struct tensor shape)
{
    const size_t mark = exec_mark(e), n = tensor_count(shape);
    float *noise = arena_alloc(e->arena, n, sizeof *noise);

    draw_start(g, e, noise, shape);
    if (!exec_is_dry(e)) {
        memcpy(x, g->from_latent, n * sizeof *x);
        sampling_start_from_latent(g->plan, x, noise, n);
    }
    exec_rewind(e, mark);
}

/* x [c, h, w]: the noisy latent that the first step starts from.  shown: what the U-Net sees beside it. */
static void start(struct generation *g, struct exec *e, float *x, struct tensor shape,
                  struct latent_mask *mask, struct tensor shown)
{
    const struct meter meter = meter_start(e);
    const bool encodes = g->params->init_image && !g->from_latent;

    if (shown.c > 0 || encodes)
        tell(g, e, LTD_PHASE_ENCODE, 0, 1);
    if (g->from_latent) {
        start_from_latent(g, e, x, shape);
    } else if (encodes && !shown_picture_is_all(g->model, g->params)) {
        encode_image(g, e, x, shape, mask);
    } else {
        draw_start(g, e, x, shape);
        if (!exec_is_dry(e))
            sampling_start_from_noise(g->plan, x, tensor_count(shape));
    }
    if (shown.c > 0)
        shown_picture_make(g, e, shown, shape);
    meter_stop(&meter, e, &g->report.encode_s, &g->cost.encode_flop);
}

static struct guided_texts make_texts(struct generation *g, struct exec *e)
{
    const struct meter meter = meter_start(e);
    struct guided_texts texts;

    tell(g, e, LTD_PHASE_TEXT, 0, 1);
    texts = guided_texts_make(g, e);
    meter_stop(&meter, e, &g->report.text_s, &g->cost.text_flop);
    return texts;
}

struct step_watch {
    const struct generation *g;
    const struct exec *exec;
    struct ltd_image preview; /* one pixel for each of the latent's */
};

static void on_step(void *arg, int done, int total, const float *clean)
{
    const struct step_watch *w = arg;
    const struct ltd_image *p = &w->preview;
    struct preview *map = w->g->model->preview;

    if (clean && preview_ready(map, w->exec->pool, w->exec->cancel)) {
        preview_draw(map, p->pixels, clean, (size_t)p->width * (size_t)p->height);
        w->g->watch->preview(w->g->watch->arg, p, done);
    }
    tell(w->g, w->exec, LTD_PHASE_SAMPLE, done, total);
}

/* Room for previews is taken whether or not anybody wants one: somebody may begin to. */
static struct sampling_watch watch_steps(const struct generation *g, struct exec *e, struct tensor shape,
                                         struct step_watch *w)
{
    const size_t n = tensor_count(shape);
    struct sampling_watch watch = {.step = on_step, .arg = w};

    *w = (struct step_watch){g, e, {(int)shape.w, (int)shape.h, NULL}};
    w->preview.pixels = arena_alloc(e->arena, n / shape.c, 3);
    watch.clean = arena_alloc(e->arena, n, sizeof *watch.clean);
    if (g->watch && g->watch->preview)
        watch.wants_clean = g->watch->wants_preview;
    return watch;
}

/* x [c, h, w]: from the first step's noise to a clean latent. */
static enum ltd_status sample(struct generation *g, struct exec *e, float *x, struct tensor shape,
                              struct tensor shown, struct guided_texts *texts, struct latent_mask *mask,
                              struct ltd_error *err)
{
    const struct meter meter = meter_start(e);
    const size_t mark = exec_mark(e), n = tensor_count(shape);
    const int evaluations = sampling_plan_evaluations(g->plan);
    struct guided_unet unet;
    const struct denoiser guided = {.predict = guided_unet_predict, .self = &unet};
    const struct denoiser denoiser =
        mask && latent_mask_keeps(mask) ? latent_mask_around(mask, guided) : guided;
    struct step_watch step;
    const struct sampling_watch watch = watch_steps(g, e, shape, &step);
    float *scratch = arena_alloc(e->arena, sampling_plan_scratch(g->plan, n), sizeof *scratch);
    enum ltd_status st = LTD_OK;

    tell(g, e, LTD_PHASE_SAMPLE, 0, evaluations);
    guided_unet_begin(&unet, g, e, texts, shape, shown);
    if (exec_is_dry(e))
        guided_unet_measure(&unet);
    else
        st = sampling_run(g->plan, &denoiser, &g->rng, x, n, scratch, &watch, err);
    exec_rewind(e, mark);
    meter_stop(&meter, e, &g->report.sample_s, &g->cost.step_flop);
    g->cost.step_flop /= evaluations;
    return st;
}

/* 8-bit values as diffusers rounds them, half to even, or as AUTOMATIC1111 does, down. */
static enum ltd_status to_pixels(uint8_t *pixels, struct tensor image, enum ltd_profile profile,
                                 struct ltd_error *err)
{
    for (size_t i = 0; i < tensor_count(image); i++) {
        const float v = image.data[i] / 2.0f + 0.5f, scaled = fminf(fmaxf(v, 0.0f), 1.0f) * 255.0f;

        if (!isfinite(v))
            return ltd_fail(err, LTD_ENONFINITE, "the decoded picture has values that are not finite");
        pixels[i] = (uint8_t)(profile == LTD_PROFILE_A1111 ? scaled : nearbyintf(scaled));
    }
    return LTD_OK;
}

static enum ltd_status decode(struct generation *g, struct exec *e, const float *x, struct tensor shape,
                              struct ltd_error *err)
{
    const struct meter meter = meter_start(e);
    const size_t mark = exec_mark(e);
    const struct vae_config *v = vae_config(g->model->vae);
    struct tensor latent = exec_like(e, shape);
    struct tensor image = exec_tensor(e, 1, (size_t)g->params->height, (size_t)g->params->width, 3);
    enum ltd_status st = LTD_OK;

    tell(g, e, LTD_PHASE_DECODE, 0, 1);
    if (!exec_is_dry(e)) {
        /* The decoder takes the most memory of its own, and the U-Net is not needed meanwhile; bringing it
         * back from the page cache takes less than a tenth of a second for Stable Diffusion 1. */
        weight_set_give_back(unet_weights(g->model->unet));
        latent_to_nhwc(latent, x);
        for (size_t i = 0; i < tensor_count(latent); i++)
            latent.data[i] = latent.data[i] / (float)v->scaling_factor;
    }
    vae_decode(g->model->vae, e, image, latent);
    if (exec_is_canceled(e))
        st = ltd_fail(err, LTD_ECANCELED, "canceled");
    else if (!exec_is_dry(e) && g->pixels)
        st = to_pixels(g->pixels, image, g->params->profile, err);
    exec_rewind(e, mark);
    meter_stop(&meter, e, &g->report.decode_s, &g->cost.decode_flop);
    return st;
}

enum ltd_status generation_run(struct generation *g, struct exec *e, struct ltd_error *err)
{
    const size_t mark = exec_mark(e);
    const size_t factor = (size_t)g->model->info.vae_factor;
    const struct tensor shape = {NULL, 1, (size_t)g->params->height / factor,
                                 (size_t)g->params->width / factor, (size_t)g->model->info.latent_channels};
    const size_t n = tensor_count(shape);
    float *x = arena_alloc(e->arena, n, sizeof *x); /* [c, h, w] */
    const size_t sampling = exec_mark(e);
    struct guided_texts texts = make_texts(g, e);
    struct tensor shown = exec_tensor(e, 1, shape.h, shape.w, shown_picture_channels(g->model));
    struct latent_mask own, *mask = g->params->mask ? &own : NULL;
    enum ltd_status st;

    e->tiling = g->params->tiling;
    /* Not for the texts, which cost little and whose encodings are remembered for all requests. */
    e->bf16 = g->params->precision == LTD_PRECISION_BF16;
    if (mask)
        latent_mask_reserve(mask, g, e, shape);
    start(g, e, x, shape, mask, shown);
    if (exec_is_canceled(e))
        st = ltd_fail(err, LTD_ECANCELED, "canceled");
    else
        st = sample(g, e, x, shape, shown, &texts, mask, err);
    exec_rewind(e, sampling);
    if (st == LTD_OK && g->latent && !exec_is_dry(e))
        memcpy(g->latent, x, n * sizeof *x);
    if (st == LTD_OK && (g->pixels || exec_is_dry(e)))
        st = decode(g, e, x, shape, err);
    exec_rewind(e, mark);
    return st;
}
