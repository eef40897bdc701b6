/* params_check.c - is a request one that this model can draw? */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <latentd/upscale.h>

#include "kernels/tile_ops.h"
#include "pipeline/asked_run.h"
#include "pipeline/conditioning.h"
#include "pipeline/guidance.h"
#include "pipeline/noise_fields.h"
#include "pipeline/params_checks.h"
#include "pipeline/text_stack.h"

void params_find(struct params_check *c, bool warning, const char *field, const char *format, ...)
{
    char message[512];
    va_list args;

    if (!warning)
        c->good = false;
    if (!c->found)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    c->found(c->arg, warning, field, message);
}

static void check_side(struct params_check *c, const char *field, int side, int native)
{
    const int factor = c->model->info.vae_factor;
    const int least = factor * (int)unet_min_side(unet_config(c->model->unet));

    if (side < least || side > MODEL_MAX_SIDE)
        params_find(c, false, field, "must be %d to %d pixels", least, MODEL_MAX_SIDE);
    else if (side % factor != 0)
        params_find(c, false, field, "must be a multiple of %d; the nearest are %d and %d", factor,
                    side / factor * factor, (side / factor + 1) * factor);
    else if (side > 2 * native || 2 * side < native)
        params_find(c, true, field, "%d pixels are far from the %d this model was trained at", side, native);
}

static void take_guidance(struct params_check *c, const struct prompt *prompt)
{
    c->guided = conditioning_is_guided(c->model, c->params, prompt);
    c->parts = prompt->parts;
}

static void check_prompt(struct params_check *c, enum conditioning_role role)
{
    const bool is_prompt = role == CONDITIONING_PROMPT;
    const char *field = is_prompt ? "prompt" : "negative_prompt";
    const char *text = is_prompt ? c->params->prompt : c->params->negative_prompt;
    const size_t limit = (size_t)c->model->info.token_limit - 2;
    struct prompt_rules rules = conditioning_rules(c->model, c->params, role);
    struct prompt prompt = {0};
    struct ltd_error err;

    /* Wrong steps are told elsewhere. */
    if (rules.steps < 1)
        rules.steps = 1;
    if (!text)
        params_find(c, false, field, "must be a string");
    else if (prompt_read(&prompt, &rules, text, &err) != LTD_OK)
        params_find(c, false, field, "%s", err.message);
    else if (is_prompt)
        take_guidance(c, &prompt);
    if (prompt.cut > 0)
        params_find(c, true, field,
                    "the last %zu of %zu tokens are beyond the %zu this model reads, and were cut",
                    prompt.cut, prompt.cut + limit, limit);
    if (prompt.chunks.unusable)
        params_find(c, true, field, "the embedding \"%.80s\" cannot be used (%s); its name was read as text",
                    prompt.chunks.unusable->name,
                    embeddings_refusal(&c->model->embeddings, prompt.chunks.unusable));
    if (prompt.break_is_word)
        params_find(c, true, field,
                    "a BREAK inside of brackets was read as a word; close the brackets before it");
    prompt_fini(&prompt);
}

/* Can this run be planned? */
static enum ltd_status try_plan(struct params_check *c, struct sampling_request run, struct ltd_error *err)
{
    struct sampling_plan *plan = NULL;
    enum ltd_status st = sampling_plan_new(c->model->schedule, &run, &plan, err);

    if (st == LTD_OK)
        c->evaluations = sampling_plan_evaluations(plan);
    sampling_plan_free(plan);
    return st;
}

/* A plan can fail by one of four fields: the first whose mending mends it is the one to blame. */
static void check_plan(struct params_check *c)
{
    const struct sampling_request run = asked_run(c->params, 0);
    struct sampling_request whole = run, usual = run, short_run = run;
    const char *field = "sampler";
    struct ltd_error err, ignored;

    whole.strength = short_run.strength = 1;
    usual.scheduler = LTD_SCHEDULER_MODEL;
    short_run.steps = 10;
    if (try_plan(c, run, &err) == LTD_OK)
        return;
    if (try_plan(c, whole, &ignored) == LTD_OK)
        field = "strength";
    else if (try_plan(c, usual, &ignored) == LTD_OK)
        field = "scheduler";
    else if (try_plan(c, short_run, &ignored) == LTD_OK)
        field = "steps";
    params_find(c, false, field, "%s", err.message);
}

/* Of a sampler that is known. */
static bool check_noise(struct params_check *c)
{
    char text[NOISE_FIELD_TEXT_SIZE];
    bool good = true;

    for (int i = 0; i < NOISE_FIELD_COUNT; i++)
        if (!noise_field_check((enum noise_field)i, c->params, text)) {
            params_find(c, false, noise_field_name((enum noise_field)i), "%s", text);
            good = false;
        }
    return good;
}

static void check_schedule(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    bool known = true;

    if (!params_is_id((int)p->sampler, LTD_SAMPLER_COUNT)) {
        params_find(c, false, "sampler", "is unknown");
        known = false;
    } else if (!check_noise(c)) {
        known = false;
    }
    if (!params_is_id((int)p->scheduler, LTD_SCHEDULER_COUNT)) {
        params_find(c, false, "scheduler", "is unknown");
        known = false;
    }
    if (p->steps < 1) {
        params_find(c, false, "steps", "must be at least 1");
        known = false;
    }
    if (p->init_image && !(p->strength > 0 && p->strength <= 1)) {
        params_find(c, false, "strength", "must be above 0 and at most 1");
        known = false;
    }
    if (known)
        check_plan(c);
    if (schedule_config_sampler(c->model->schedule) < 0 && p->sampler == c->model->recommended.sampler)
        params_find(c, true, "sampler", "this model names %s, which is not built; drawn with %s",
                    c->model->info.scheduler_class, ltd_sampler_name(p->sampler));
}

static void check_rescale(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;

    if (!(p->cfg_rescale >= 0 && p->cfg_rescale <= 1))
        params_find(c, false, "cfg_rescale", "must be 0 to 1");
    else if (p->cfg_rescale > 0 && c->parts > 1)
        params_find(c, false, "cfg_rescale",
                    "takes one prompt, and this one has %zu parts joined by AND; leave it at 0", c->parts);
    else if (p->cfg_rescale > 0 && c->parts == 1 && !c->guided)
        params_find(c, true, "cfg_rescale", "has nothing to take back: a cfg_scale of %g has no guidance",
                    p->cfg_scale);
}

static void check_guidance(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    int first, end;

    if (!(p->cfg_scale >= 0 && p->cfg_scale <= 100))
        params_find(c, false, "cfg_scale", "must be 0 to 100");
    if (!(p->guidance_start >= 0 && p->guidance_start < 1)) {
        params_find(c, false, "guidance_start", "must be at least 0 and below 1");
    } else if (!(p->guidance_end > 0 && p->guidance_end <= 1)) {
        params_find(c, false, "guidance_end", "must be above 0 and at most 1");
    } else if (p->guidance_end <= p->guidance_start) {
        params_find(c, false, "guidance_end", "must be above guidance_start");
    } else if (c->evaluations > 0 && (p->guidance_start > 0 || p->guidance_end < 1)) {
        guidance_interval(p, c->guided, c->evaluations, &first, &end);
        if (!c->guided)
            params_find(
                c, true, "guidance_end",
                "guidance_start and guidance_end have nothing to bound: a cfg_scale of 1 and below has no guidance");
        else if (first == end)
            params_find(c, true, "guidance_end",
                        "no step has guidance: none of the %d lies between guidance_start and guidance_end",
                        c->evaluations);
    }
}

/* Of the last picture of a request with at least one. */
static void check_seeds(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const bool varied = p->subseed_strength > 0;

    if ((varied ? p->subseed : p->seed) > UINT64_MAX - (uint64_t)(p->count - 1))
        params_find(c, false, varied ? "subseed" : "seed",
                    "image %d of this request would have a seed above 18446744073709551615", p->count - 1);
}

static void check_variation(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const int factor = c->model->info.vae_factor;
    const struct {
        const char *field;
        int side, other;
    } sides[] = {{"seed_resize_from_w", p->seed_resize_from_w, p->seed_resize_from_h},
                 {"seed_resize_from_h", p->seed_resize_from_h, p->seed_resize_from_w}};

    if (!(p->subseed_strength >= 0 && p->subseed_strength <= 1))
        params_find(c, false, "subseed_strength", "must be 0 to 1");
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        if (sides[i].side == 0 && sides[i].other > 0)
            params_find(c, false, sides[i].field, "is missing: a size has two sides");
        else if (sides[i].side != 0 && (sides[i].side < factor || sides[i].side > MODEL_MAX_SIDE))
            params_find(c, false, sides[i].field, "must be %d to %d pixels, or 0", factor, MODEL_MAX_SIDE);
    }
}

/* What makes the first pass's picture one of width x height. */
static void check_network(struct params_check *c, int width, int height)
{
    const struct ltd_gen_params *p = c->params;
    const struct ltd_image unseen = {p->width, p->height, NULL};
    const struct ltd_upscale_params params = {
        .image = &unseen, .upscaler = p->hr_network, .width = width, .height = height};
    struct ltd_error err;

    if ((p->hr_upscaler == LTD_HR_NETWORK) != (p->hr_network != NULL))
        params_find(c, false, "hr_upscaler", "is network where an upscaler is named, and only there");
    else if (p->hr_network && !c->model->upscalers)
        params_find(c, false, "upscaler", "names an upscaler, and there are none here");
    else if (p->hr_network && ltd_upscale_check(c->model->upscalers, &params, &err) != LTD_OK)
        params_find(c, false, "upscaler", "%s", err.message);
}

static void check_second_pass(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const int evaluations = c->evaluations;
    struct sampling_request run = asked_run(p, 0);
    struct ltd_error err;
    int width, height;

    run.strength = p->strength;
    run.steps = p->hr_steps > 0 ? p->hr_steps : p->steps;
    if (p->hr_scale == 0)
        return;
    if (!(p->hr_scale > 1 && p->hr_scale <= LTD_MAX_HR_SCALE)) {
        params_find(c, false, "hr_scale", "must be above 1 and at most %g", LTD_MAX_HR_SCALE);
        return;
    }
    ltd_params_final_size(c->model, p, &width, &height);
    if (p->init_image)
        params_find(c, false, "hr_scale", "is for pictures that begin with noise; leave out it or the image");
    else if (width > MODEL_MAX_SIDE || height > MODEL_MAX_SIDE)
        params_find(c, false, "hr_scale", "makes a picture of %d x %d; at most %d pixels are drawn", width,
                    height, MODEL_MAX_SIDE);
    if (!params_is_id((int)p->hr_upscaler, LTD_HR_UPSCALER_COUNT))
        params_find(c, false, "hr_upscaler", "is unknown");
    else
        check_network(c, width, height);
    if (p->hr_steps < 0)
        params_find(c, false, "hr_steps", "must be 0 or more");
    else if (!(p->strength > 0 && p->strength <= 1))
        params_find(c, false, "strength", "must be above 0 and at most 1");
    else if (run.steps >= 1 && evaluations > 0 && try_plan(c, run, &err) != LTD_OK)
        params_find(c, false, p->hr_steps > 0 ? "hr_steps" : "strength", "the second pass: %s", err.message);
    c->evaluations = evaluations;
}

static bool is_black(const struct ltd_image *mask, bool invert)
{
    const uint8_t black = invert ? 255 : 0;

    for (size_t i = 0; i < (size_t)mask->width * (size_t)mask->height * 3; i++)
        if (mask->pixels[i] != black)
            return false;
    return true;
}

static void check_mask(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const struct ltd_image *mask = p->mask, *image = p->init_image;

    if (!params_is_id((int)p->masked_content, LTD_MASKED_CONTENT_COUNT))
        params_find(c, false, "masked_content", "is unknown");
    if (p->mask_blur < 0 || p->mask_blur > LTD_MAX_MASK_BLUR)
        params_find(c, false, "mask_blur", "must be 0 to %d pixels", LTD_MAX_MASK_BLUR);
    if (p->inpaint_full_res_padding < 0 || p->inpaint_full_res_padding > LTD_MAX_MASK_PADDING)
        params_find(c, false, "inpaint_full_res_padding", "must be 0 to %d pixels", LTD_MAX_MASK_PADDING);
    if (!mask)
        return;
    if (!image)
        params_find(c, false, "mask", "needs an image, of which it keeps a part");
    else if (mask->width != image->width || mask->height != image->height)
        params_find(c, false, "mask", "is %d x %d pixels, not the %d x %d of the image", mask->width,
                    mask->height, image->width, image->height);
    else if (is_black(mask, p->mask_invert))
        params_find(c, !p->inpaint_full_res, "mask", "covers nothing: all of the picture is kept");
}

/* Of a model that edits pictures. */
static void check_editing(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const double scale = p->image_guidance_scale;

    if (!c->model->info.edits) {
        if (scale != 0)
            params_find(c, false, "image_guidance_scale", "is for models that edit pictures; leave it out");
        return;
    }
    if (!p->init_image)
        params_find(c, false, "image", "is missing; this model edits pictures, and needs one");
    if (!(scale > 0 && scale <= LTD_MAX_IMAGE_GUIDANCE))
        params_find(c, false, "image_guidance_scale", "must be above 0 and at most %g",
                    LTD_MAX_IMAGE_GUIDANCE);
    else if (scale != 1 && c->parts > 1)
        params_find(c, false, "image_guidance_scale",
                    "takes one prompt, and this one has %zu parts joined by AND; set it to 1", c->parts);
    else if (scale < 1 && p->profile == LTD_PROFILE_DIFFUSERS && p->cfg_scale > 1)
        params_find(c, true, "image_guidance_scale", "below 1 there is no guidance, by the prompt neither");
    if (p->cfg_rescale > 0)
        params_find(c, false, "cfg_rescale", "is not for models that edit pictures; leave it at 0");
}

/* Of a VAE that only decodes. */
static void check_encoder(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;
    const char *vae = c->model->info.vae;

    if (vae_encodes(vae_config(c->model->vae)))
        return;
    if (p->init_image)
        params_find(c, false, "image", "cannot be begun with: the VAE \"%.80s\" has no encoder", vae);
    if (p->hr_scale > 0 && p->hr_upscaler == LTD_HR_LANCZOS)
        params_find(
            c, false, "hr_upscaler",
            "must be latent or latent_nearest: lanczos begins again with a picture, and the VAE \"%.80s\" has "
            "no encoder",
            vae);
}

bool ltd_params_check(const struct ltd_model *model, const struct ltd_gen_params *params,
                      ltd_finding_fn *found, void *arg)
{
    struct params_check c = {model, params, found, arg, .good = true};

    check_prompt(&c, CONDITIONING_PROMPT);
    check_prompt(&c, CONDITIONING_NEGATIVE);
    check_side(&c, "width", params->width, model->info.native_width);
    check_side(&c, "height", params->height, model->info.native_height);
    check_schedule(&c);
    check_guidance(&c);
    check_rescale(&c);
    params_check_loras(&c);
    params_check_controls(&c);
    check_mask(&c);
    check_editing(&c);
    check_encoder(&c);
    check_variation(&c);
    check_second_pass(&c);
    if (params->deepcache_interval < 1)
        params_find(&c, false, "deepcache_interval", "must be at least 1");
    if (params->count < 1)
        params_find(&c, false, "count", "must be at least 1");
    else
        check_seeds(&c);
    if (params->clip_skip < 0 || params->clip_skip >= model->info.text_layers)
        params_find(&c, false, "clip_skip", "must be 0 to %d: the text encoder has %d layers",
                    model->info.text_layers - 1, model->info.text_layers);
    if (params->clip_skip > 0 && params->profile == LTD_PROFILE_A1111 &&
        text_stack_pooled_channels(model) > 0)
        params_find(&c, true, "clip_skip",
                    "AUTOMATIC1111 leaves no layers out of a Stable Diffusion XL's text encoders");
    if (params->init_image && !(params->mask && params->inpaint_full_res) &&
        (params->init_image->width != params->width || params->init_image->height != params->height))
        params_find(&c, false, "image", "is %d x %d pixels, not the %d x %d of the request",
                    params->init_image->width, params->init_image->height, params->width, params->height);
    if (!params_is_id((int)params->profile, LTD_PROFILE_COUNT))
        params_find(&c, false, "profile", "is unknown");
    if (!params_is_id((int)params->numerics, LTD_NUMERICS_COUNT))
        params_find(&c, false, "numerics", "is unknown");
    if (!params_is_id((int)params->precision, LTD_PRECISION_COUNT))
        params_find(&c, false, "precision", "is unknown");
    else if (params->precision == LTD_PRECISION_BF16 && !tile_ops()->has_pairs)
        params_find(&c, true, "precision", "is slower than f32 on this processor, which lacks AVX512_BF16");
    return c.good;
}

void params_keep_first(void *arg, bool warning, const char *field, const char *message)
{
    struct ltd_error *err = arg;

    if (!warning && err && err->status == LTD_OK)
        ltd_fail(err, LTD_EINVAL, "%s: %s", field, message);
}
