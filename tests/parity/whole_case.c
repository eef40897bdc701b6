/* whole_case.c - cases that a whole model draws: pictures, latents, control maps, and tokens. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "pipeline/generation.h"
#include "relative_error.h"
#include "run_exec.h"

static const char *request_text(const struct ltd_json *r, const char *key, const char *absent)
{
    const char *text = ltd_json_string(ltd_json_get(r, key));

    return text ? text : absent;
}

/* The wire form of a request, as the fixtures use it, on the model's defaults. */
static struct ltd_gen_params read_request(const struct ltd_json *r, const struct ltd_model *model)
{
    struct ltd_gen_params p = ltd_params_default(model);

    p.prompt = request_text(r, "prompt", "");
    p.negative_prompt = request_text(r, "negative_prompt", "");
    p.steps = (int)case_number(r, "steps", p.steps);
    p.cfg_scale = case_number(r, "cfg_scale", p.cfg_scale);
    p.cfg_rescale = case_number(r, "cfg_rescale", 0);
    p.image_guidance_scale = case_number(r, "image_guidance_scale", p.image_guidance_scale);
    p.eta = case_number(r, "eta", LTD_ETA_STANDARD);
    p.s_churn = case_number(r, "s_churn", 0);
    p.s_tmin = case_number(r, "s_tmin", 0);
    p.s_tmax = case_number(r, "s_tmax", 0);
    p.s_noise = case_number(r, "s_noise", 1);
    p.width = (int)case_number(r, "width", p.width);
    p.height = (int)case_number(r, "height", p.height);
    p.strength = case_number(r, "strength", p.strength);
    p.clip_skip = (int)case_number(r, "clip_skip", 0);
    p.guidance_start = case_number(r, "guidance_start", 0);
    p.guidance_end = case_number(r, "guidance_end", 1);
    p.deepcache_interval = (int)case_number(r, "deepcache_interval", 1);
    p.mask_blur = (int)case_number(r, "mask_blur", 0);
    p.mask_invert = ltd_json_bool(ltd_json_get(r, "mask_invert"));
    p.inpaint_full_res = ltd_json_bool(ltd_json_get(r, "inpaint_full_res"));
    p.inpaint_full_res_padding = (int)case_number(r, "inpaint_full_res_padding", 0);
    p.masked_content =
        (enum ltd_masked_content)ltd_masked_content_find(request_text(r, "masked_content", "original"));
    p.numerics = LTD_NUMERICS_STRICT;
    if (ltd_json_get(r, "seed") && !ltd_json_uint64(ltd_json_get(r, "seed"), &p.seed))
        p.steps = -1; /* refused by ltd_params_check: the fixture is wrong */
    p.hr_scale = case_number(r, "hr_scale", 0);
    p.hr_upscaler = (enum ltd_hr_upscaler)ltd_hr_upscaler_find(request_text(r, "hr_upscaler", "latent"));
    p.hr_steps = (int)case_number(r, "hr_steps", 0);
    p.tiling = ltd_json_bool(ltd_json_get(r, "tiling"));
    p.subseed_strength = case_number(r, "subseed_strength", 0);
    p.seed_resize_from_w = (int)case_number(r, "seed_resize_from_w", 0);
    p.seed_resize_from_h = (int)case_number(r, "seed_resize_from_h", 0);
    if (ltd_json_get(r, "subseed") && !ltd_json_uint64(ltd_json_get(r, "subseed"), &p.subseed))
        p.steps = -1;
    p.sampler = (enum ltd_sampler)ltd_sampler_find(request_text(r, "sampler", ltd_sampler_name(p.sampler)));
    p.scheduler = (enum ltd_scheduler)ltd_scheduler_find(request_text(r, "scheduler", "model"));
    p.profile = (enum ltd_profile)ltd_profile_find(request_text(r, "profile", "diffusers"));
    return p;
}

static int read_loras(const struct ltd_json *r, struct ltd_lora loras[LTD_MAX_LORAS])
{
    int count = 0;

    for (const struct ltd_json *l = ltd_json_first(ltd_json_get(r, "loras")); l; l = ltd_json_next(l))
        loras[count++] = (struct ltd_lora){request_text(l, "name", ""), case_number(l, "weight", 1),
                                           case_number(l, "text_weight", 1)};
    return count;
}
static bool picture_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                           const struct ltd_gen_params *p, char *detail, size_t size)
{
    struct ltd_image *want = load_image(f, c, "out"), *got = NULL;
    struct ltd_session *session = NULL;
    struct ltd_error err;
    bool passed = false;

    if (!want)
        snprintf(detail, size, "no such picture in the fixture");
    else if (ltd_session_new(model, pool_threads(f->pool), &session, &err) != LTD_OK ||
             ltd_session_generate(session, p, 0, NULL, &got, NULL, &err) != LTD_OK)
        snprintf(detail, size, "%s", err.message);
    else
        passed = compare_pictures(got, want, p->numerics == LTD_NUMERICS_STRICT, detail, size);
    ltd_session_free(session);
    ltd_image_free(got);
    ltd_image_free(want);
    return passed;
}

struct latent_run {
    struct generation g;
    struct ltd_error *err;
    enum ltd_status status; /* of the last run */
};

static void latent_forward(void *arg, struct exec *e)
{
    struct latent_run *r = arg;

    r->status = generation_run(&r->g, e, r->err);
}

/* Runs the pipeline up to the latent, which out [c, h, w] receives. */
static enum ltd_status make_latent(const struct fixture *f, const struct ltd_model *model,
                                   const struct ltd_gen_params *p, float *out, struct ltd_error *err)
{
    struct latent_run r = {.err = err};
    enum ltd_status st = generation_init(&r.g, model, p, 0, err);

    if (st == LTD_OK)
        st = generation_prepare(&r.g, err);
    if (st == LTD_OK) {
        r.g.latent = out;
        if (!run_exec_in(f->pool, p->numerics == LTD_NUMERICS_STRICT, latent_forward, &r) &&
            r.status == LTD_OK)
            r.status = ltd_fail(err, LTD_ENOMEM, "no memory for the run, or it kept some");
        st = r.status;
    }
    generation_fini(&r.g);
    return st;
}

static bool latent_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                          const struct ltd_gen_params *p, char *detail, size_t size)
{
    const struct weight *w;
    float *want = fixture_load(f, c, "out", &w), *got = want ? malloc(w->count * sizeof *got + 1) : NULL;
    const size_t count = (size_t)(p->height / model->info.vae_factor) *
                         (size_t)(p->width / model->info.vae_factor) * (size_t)model->info.latent_channels;
    struct ltd_error err = {.message = "no such latent in the fixture"};
    bool passed = false;

    if (!got || w->count != count || make_latent(f, model, p, got, &err) != LTD_OK) {
        snprintf(detail, size, "%s", err.message);
    } else {
        const double error = check_relative_error(got, want, count);

        snprintf(detail, size, "relative error %.2e", error);
        passed = error <= (p->numerics == LTD_NUMERICS_STRICT ? LATENT_TOLERANCE : LATENT_TOLERANCE_DEFAULT);
    }
    free(got);
    free(want);
    return passed;
}

/* The pictures are the caller's to free, [LTD_MAX_CONTROLS]. */
static int read_controls(const struct fixture *f, const struct ltd_json *r,
                         struct ltd_control controls[LTD_MAX_CONTROLS], struct ltd_image **pictures)
{
    int count = 0;

    for (const struct ltd_json *c = ltd_json_first(ltd_json_get(r, "controls")); c; c = ltd_json_next(c)) {
        pictures[count] = load_image(f, c, "image");
        controls[count] = (struct ltd_control){
            .model = case_text(c, "model"),
            .image = pictures[count],
            .fit = (enum ltd_control_fit)ltd_control_fit_find(request_text(c, "resize", "stretch")),
            .weight = case_number(c, "weight", 1),
            .start = case_number(c, "start", 0),
            .end = case_number(c, "end", 1)};
        count++;
    }
    return count;
}

static bool run_request(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                        const struct ltd_gen_params *p, char *detail, size_t size)
{
    return (strcmp(case_text(c, "kind"), "picture") == 0 ? picture_passes : latent_passes)(f, c, model, p,
                                                                                           detail, size);
}

static bool request_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                           char *detail, size_t size)
{
    struct ltd_gen_params p = read_request(ltd_json_get(c, "request"), model);
    struct ltd_image *init = ltd_json_get(c, "init_image") ? load_image(f, c, "init_image") : NULL;
    struct ltd_image *mask = ltd_json_get(c, "mask") ? load_image(f, c, "mask") : NULL;
    struct ltd_image *pictures[LTD_MAX_CONTROLS] = {NULL};
    struct ltd_control controls[LTD_MAX_CONTROLS];
    struct ltd_lora loras[LTD_MAX_LORAS];
    bool passed = false;

    p.init_image = init;
    p.mask = mask;
    p.loras = loras;
    p.lora_count = read_loras(ltd_json_get(c, "request"), loras);
    p.controls = controls;
    p.control_count = read_controls(f, ltd_json_get(c, "request"), controls, pictures);
    if (!ltd_params_check(model, &p, NULL, NULL))
        snprintf(detail, size, "the request was refused");
    else
        passed = run_request(f, c, model, &p, detail, size);
    /* Default numerics, too, once strict ones are right. */
    if (passed) {
        const size_t told = strlen(detail);

        p.numerics = LTD_NUMERICS_DEFAULT;
        snprintf(detail + told, size - told, "; default numerics: ");
        passed = run_request(f, c, model, &p, detail + strlen(detail), size - strlen(detail));
    }
    for (size_t i = 0; i < LTD_MAX_CONTROLS; i++)
        ltd_image_free(pictures[i]);
    ltd_image_free(init);
    ltd_image_free(mask);
    return passed;
}

static bool tokens_pass(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                        char *detail, size_t size)
{
    const struct weight *w;
    const char *prompt = case_text(c, "prompt");
    float *want = fixture_load(f, c, "out", &w);
    int32_t *ids = want ? calloc(w->count + 1, sizeof *ids) : NULL;
    bool passed = ids && clip_tokenizer_encode(model->tokenizer, prompt, strlen(prompt), ids, (int)w->count,
                                               NULL, NULL) == LTD_OK;

    for (size_t i = 0; passed && i < w->count; i++)
        passed = ids[i] == (int32_t)want[i];
    snprintf(detail, size, "%s", passed ? "equal" : "the ids differ");
    free(ids);
    free(want);
    return passed;
}

bool case_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                 char *detail, size_t size)
{
    const char *kind = case_text(c, "kind");
    const struct parts parts = {model->text, model->text_2 ? model->text_2 : model->text, model->unet,
                                model->vae};
    double error;

    if (strcmp(kind, "tokens") == 0)
        return tokens_pass(f, c, model, detail, size);
    if (strcmp(kind, "control") == 0)
        return control_case_passes(f, c, model, detail, size);
    if (!case_part(c))
        return request_passes(f, c, model, detail, size);
    error = case_error(f, c, &parts);
    snprintf(detail, size, "relative error %.2e", error);
    return error >= 0 && error <= TENSOR_TOLERANCE;
}
