#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/gemm.h"
#include "pipeline/generation.h"
#include "relative_error.h"
#include "run_exec.h"

enum ltd_status fixture_open(struct fixture *f, const char *dir, int threads, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st;

    *f = (struct fixture){0};
    snprintf(f->dir, sizeof f->dir, "%s", dir);
    snprintf(path, sizeof path, "%s/cases.json", dir);
    gemm_init();
    st = ltd_json_read_file(path, 64 << 20, &f->json, err);
    if (st == LTD_OK) {
        const char *model = ltd_json_string(ltd_json_get(f->json, "model"));
        const char *file = ltd_json_string(ltd_json_get(f->json, "file"));
        const char *vae = ltd_json_string(ltd_json_get(f->json, "vae"));

        if (vae)
            snprintf(f->vae, sizeof f->vae, "%s/%s", dir, vae);
        snprintf(f->model_dir, sizeof f->model_dir, "%s/%s", dir, file ? file : model ? model : "model");
        snprintf(path, sizeof path, "%s/tensors.safetensors", dir);
        st = weight_set_open_file(path, &f->tensors, err);
    }
    if (st == LTD_OK)
        st = pool_new(threads, &f->pool, err);
    if (st != LTD_OK)
        fixture_close(f);
    return st;
}

void fixture_close(struct fixture *f)
{
    pool_free(f->pool);
    weight_set_close(f->tensors);
    ltd_json_free(f->json);
    *f = (struct fixture){0};
}

/* None of them may be refused. */
static enum ltd_status add_embeddings(const struct fixture *f, struct ltd_model *model, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/embeddings", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_embeddings(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_embedding_count(model); i++)
        if (ltd_model_embedding(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_embedding(model, i).refused);
    return st;
}

static enum ltd_status add_loras(const struct fixture *f, struct ltd_model *model, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/loras", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_loras(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_lora_count(model); i++)
        if (ltd_model_lora(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_lora(model, i).refused);
    return st;
}

static enum ltd_status add_control_nets(const struct fixture *f, struct ltd_model *model,
                                        struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/controlnets", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_control_nets(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_control_net_count(model); i++)
        if (ltd_model_control_net(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_control_net(model, i).refused);
    return st;
}

enum ltd_status fixture_open_model(const struct fixture *f, struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *model = NULL;
    enum ltd_status st = ltd_model_open_with(f->model_dir, *f->vae ? f->vae : NULL, &model, err);

    if (st == LTD_OK)
        st = add_embeddings(f, model, err);
    if (st == LTD_OK)
        st = add_loras(f, model, err);
    if (st == LTD_OK)
        st = add_control_nets(f, model, err);
    if (st == LTD_OK)
        *out = model;
    else
        ltd_model_close(model);
    return st;
}

const struct ltd_json *fixture_cases(const struct fixture *f)
{
    return ltd_json_get(f->json, "cases");
}

const char *case_text(const struct ltd_json *c, const char *key)
{
    const char *text = ltd_json_string(ltd_json_get(c, key));

    return text ? text : "";
}

double case_number(const struct ltd_json *c, const char *key, double absent)
{
    const struct ltd_json *v = ltd_json_get(c, key);

    return v ? ltd_json_number(v) : absent;
}

const char *case_part(const struct ltd_json *c)
{
    const char *kind = case_text(c, "kind");

    if (strncmp(kind, "text", 4) == 0)
        return *case_text(c, "encoder") ? case_text(c, "encoder") : "text_encoder";
    if (strcmp(kind, "unet") == 0)
        return "unet";
    return strncmp(kind, "vae", 3) == 0 ? "vae" : NULL;
}

/* A tensor of the fixture as f32, by the case's key; the caller frees it.  *w is its shape. */
static float *load(const struct fixture *f, const struct ltd_json *c, const char *key,
                   const struct weight **w)
{
    float *values;

    *w = weight_set_find(f->tensors, case_text(c, key));
    values = *w ? malloc((*w)->count * sizeof *values + 1) : NULL;
    if (values)
        memcpy(values, (*w)->data, (*w)->count * sizeof *values);
    return values;
}

/* [n, c, h, w] -> [n, h, w, c], or back: rows and columns of one item change places. */
static void swap_axes(float *out, const float *in, size_t items, size_t rows, size_t columns)
{
    for (size_t n = 0; n < items; n++)
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < columns; k++)
                out[(n * columns + k) * rows + r] = in[(n * rows + r) * columns + k];
}

bool operand_load(struct operand *o, const struct fixture *f, const struct ltd_json *c, const char *key)
{
    size_t pixels;

    o->values = load(f, c, key, &o->w);
    if (!o->values)
        return false;
    if (o->w->rank == 3) {
        o->t = (struct tensor){o->values, o->w->dim[0], o->w->dim[1], 1, o->w->dim[2]};
        return true;
    }
    o->t = (struct tensor){malloc(o->w->count * sizeof(float)), o->w->dim[0], o->w->dim[2], o->w->dim[3],
                           o->w->dim[1]};
    pixels = o->t.h * o->t.w;
    if (!o->t.data)
        return false;
    swap_axes(o->t.data, o->values, o->t.n, o->t.c, pixels);
    return true;
}

void operand_free(struct operand *o)
{
    if (o->t.data != o->values)
        free(o->t.data);
    free(o->values);
}

/* All that the forward passes of the tensor cases take. */
struct forward {
    const struct ltd_json *c;
    const struct parts *parts;
    const char *kind;
    struct tensor y, x, context;
    struct tensor pooled; /* [n, 1, 1, c], beside sizes; no channels: the network takes none */
    double *sizes;
    const int32_t *ids;
    size_t tokens;
};

static const struct clip_text *text_of(const struct forward *r)
{
    return strcmp(case_part(r->c), "text_encoder_2") == 0 ? r->parts->text_2 : r->parts->text;
}

static bool forward_can(const struct forward *r)
{
    const char *part = case_part(r->c);

    return (strncmp(part, "text_encoder", 12) == 0 && text_of(r)) ||
           (strcmp(part, "unet") == 0 && r->parts->unet) || (strcmp(part, "vae") == 0 && r->parts->vae);
}

/* As a job does it: first what depends on the text and the timestep alone. */
static struct unet_input make_tables(const struct forward *r, const struct unet *u, struct exec *e)
{
    const size_t rows = r->pooled.c > 0 ? r->pooled.n : 1;
    const struct unet_input input = {
        .times = exec_tensor(e, rows, 1, 1, unet_time_channels(u)),
        .texts = exec_tensor(e, r->context.n, r->context.h, 1, unet_text_channels(u))};
    double *timesteps = arena_alloc(e->arena, rows, sizeof *timesteps);
    const struct unet_times times = {timesteps, exec_tensor(e, rows, 1, 1, unet_config(u)->time_channels),
                                     case_number(r->c, "guidance", 0)};

    for (size_t i = 0; i < rows && !exec_is_dry(e); i++)
        timesteps[i] = case_number(r->c, "timestep", 0);
    if (r->pooled.c > 0)
        unet_added_forward(u, e, times.added, r->pooled, r->sizes);
    unet_time_forward(u, e, input.times, &times);
    unet_text_forward(u, e, input.texts, r->context);
    return input;
}

static void unet_run(const struct forward *r, struct exec *e)
{
    const size_t mark = exec_mark(e);
    const struct unet_input input = make_tables(r, r->parts->unet, e);

    unet_forward(r->parts->unet, e, r->y, r->x, &input);
    exec_rewind(e, mark);
}

static void text_run(const struct forward *r, struct exec *e)
{
    const struct clip_text *text = text_of(r);
    const size_t skip = (size_t)case_number(r->c, "clip_skip", 0), mark = exec_mark(e);
    const struct tensor none = {0};

    if (strcmp(r->kind, "text") == 0)
        clip_text_forward(text, e, r->y, r->ids, skip);
    else if (strcmp(r->kind, "text_hidden") == 0)
        clip_text_hidden(text, e, r->y, none, r->ids, skip, -1);
    else if (strcmp(r->kind, "text_pooled") == 0)
        clip_text_hidden(text, e, exec_tensor(e, 1, r->tokens, 1, clip_text_config(text)->channels), r->y,
                         r->ids, 1, (int32_t)clip_text_config(text)->vocab - 1);
    else
        clip_text_keys(text, e, r->y, r->ids, (size_t)case_number(r->c, "layer", 0));
    exec_rewind(e, mark);
}

static void forward_run(void *arg, struct exec *e)
{
    const struct forward *r = arg;
    const bool decoder = strcmp(case_text(r->c, "part"), "decoder") == 0;

    if (r->ids)
        text_run(r, e);
    else if (strcmp(r->kind, "unet") == 0)
        unet_run(r, e);
    else if (strcmp(r->kind, "vae_decode") == 0)
        vae_decode(r->parts->vae, e, r->y, r->x);
    else if (strcmp(r->kind, "vae_encode") == 0)
        vae_encode(r->parts->vae, e, r->y, r->x);
    else
        (decoder ? vae_decoder_keys : vae_encoder_keys)(r->parts->vae, e, r->y, r->x);
}

static int32_t *to_ids(const struct operand *o)
{
    int32_t *ids = malloc(o->w->count * sizeof *ids + 1);

    for (size_t i = 0; ids && i < o->w->count; i++)
        ids[i] = (int32_t)o->values[i];
    return ids;
}

/* What a Stable Diffusion XL's U-Net takes beside its context. */
static bool load_added(struct forward *r, const struct fixture *f)
{
    const struct weight *w;
    float *sizes;

    if (!*case_text(r->c, "pooled"))
        return true;
    r->pooled.data = load(f, r->c, "pooled", &w);
    if (r->pooled.data)
        r->pooled = (struct tensor){r->pooled.data, w->dim[0], 1, 1, w->dim[1]};
    sizes = load(f, r->c, "sizes", &w);
    r->sizes = sizes ? malloc(w->count * sizeof *r->sizes) : NULL;
    for (size_t i = 0; r->sizes && i < w->count; i++)
        r->sizes[i] = (double)sizes[i];
    free(sizes);
    return r->pooled.data && r->sizes;
}

double case_error(const struct fixture *f, const struct ltd_json *c, const struct parts *parts)
{
    struct operand want = {0}, x = {0}, context = {0};
    struct forward r = {.c = c, .parts = parts, .kind = case_text(c, "kind")};
    const char *input = ltd_json_get(c, "sample") ? "sample" : ltd_json_get(c, "latent") ? "latent" : "image";
    int32_t *ids = NULL;
    double error = -1;
    bool ready = forward_can(&r) && operand_load(&want, f, c, "out");

    if (ready && strncmp(case_part(c), "text_encoder", 12) == 0) {
        x.values = load(f, c, "ids", &x.w);
        ids = x.values ? to_ids(&x) : NULL;
        ready = ids != NULL;
        r.tokens = ready ? x.w->count : 0;
    } else if (ready) {
        ready = operand_load(&x, f, c, input);
    }
    if (ready && strcmp(r.kind, "unet") == 0)
        ready = operand_load(&context, f, c, "context") && load_added(&r, f);
    r.ids = ids;
    r.x = x.t;
    r.context = context.t;
    r.y = want.t;
    r.y.data = ready ? malloc(tensor_count(want.t) * sizeof(float)) : NULL;
    if (r.y.data && run_exec(f->pool, forward_run, &r))
        error = check_relative_error(r.y.data, want.t.data, tensor_count(want.t));
    free(r.y.data);
    free(r.pooled.data);
    free(r.sizes);
    free(ids);
    operand_free(&want);
    operand_free(&x);
    operand_free(&context);
    return error;
}

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

struct ltd_image *load_image(const struct fixture *f, const struct ltd_json *c, const char *key)
{
    const struct weight *w;
    float *values = load(f, c, key, &w);
    struct ltd_image *image = NULL;

    if (values && w->rank == 3 && ltd_image_new((int)w->dim[1], (int)w->dim[0], &image, NULL) == LTD_OK)
        for (size_t i = 0; i < w->count; i++)
            image->pixels[i] = (uint8_t)values[i];
    free(values);
    return image;
}

bool compare_pictures(const struct ltd_image *got, const struct ltd_image *want, bool strict, char *detail,
                      size_t size)
{
    const size_t n = (size_t)want->width * (size_t)want->height * 3;
    double squares = 0, psnr;
    size_t different = 0;
    int largest = 0;

    if (got->width != want->width || got->height != want->height) {
        snprintf(detail, size, "%d x %d pixels, not %d x %d", got->width, got->height, want->width,
                 want->height);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const int d = abs((int)got->pixels[i] - (int)want->pixels[i]);

        different += d != 0;
        largest = d > largest ? d : largest;
        squares += (double)d * d;
    }
    psnr = squares > 0 ? 10 * log10(255 * 255 * (double)n / squares) : INFINITY;
    snprintf(detail, size, "%d levels off, %.3f %% of values different, %.1f dB", largest,
             100.0 * (double)different / (double)n, psnr);
    if (!strict)
        return psnr >= PICTURE_PSNR;
    return largest <= PICTURE_LEVELS && (double)different <= PICTURE_DIFFERENT * (double)n;
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
    float *want = load(f, c, "out", &w), *got = want ? malloc(w->count * sizeof *got + 1) : NULL;
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

struct control_run {
    struct forward forward; /* its y is what is wanted */
    const struct unet_config *base;
    const struct control_net *net;
    struct tensor picture;
    double error;
};

/* All residuals at a weight of a half, twice, so that both ways of adding them up have a part in each. */
static void control_forward(void *arg, struct exec *e)
{
    struct control_run *r = arg;
    const struct tensor x = r->forward.x, want = r->forward.y;
    const size_t mark = exec_mark(e), at = (size_t)case_number(r->forward.c, "residual", 0);
    const struct unet_input input = make_tables(&r->forward, control_net_encoder(r->net), e);
    struct tensor hint = exec_tensor(e, 1, x.h, x.w, r->base->level[0].channels), got;
    struct unet_control control;

    control_net_hint(r->net, e, hint, r->picture);
    unet_control_take(r->base, e, &control, x);
    for (int turn = 0; turn < 2; turn++)
        control_net_forward(r->net, e, &control, turn > 0, 0.5, x, hint, &input);
    got = at < unet_skip_count(r->base) ? control.skip[at] : control.mid;
    if (!exec_is_dry(e) && tensor_count(got) == tensor_count(want))
        r->error = check_relative_error(got.data, want.data, tensor_count(got));
    exec_rewind(e, mark);
}

static bool control_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                           char *detail, size_t size)
{
    struct operand want = {0}, x = {0}, context = {0}, picture = {0};
    struct control_run r = {.forward.c = c, .base = unet_config(model->unet), .error = INFINITY};
    const struct control_item *item = control_nets_find(&model->control_nets, case_text(c, "model"));
    struct control_net *net = NULL;
    struct ltd_error err = {.message = "the case lacks something"};

    if (item && operand_load(&want, f, c, "out") && operand_load(&x, f, c, "sample") &&
        operand_load(&context, f, c, "context") && operand_load(&picture, f, c, "picture") &&
        load_added(&r.forward, f) && control_net_open(item->path, r.base, BIND_RUN, &net, &err) == LTD_OK) {
        r.net = net;
        r.forward.x = x.t;
        r.forward.context = context.t;
        r.forward.y = want.t;
        r.picture = picture.t;
        run_exec(f->pool, control_forward, &r);
        snprintf(detail, size, "relative error %.2e", r.error);
    } else {
        snprintf(detail, size, "%s", err.message);
    }
    control_net_close(net);
    free(r.forward.pooled.data);
    free(r.forward.sizes);
    operand_free(&want);
    operand_free(&x);
    operand_free(&context);
    operand_free(&picture);
    return r.error <= TENSOR_TOLERANCE;
}

static bool tokens_pass(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                        char *detail, size_t size)
{
    const struct weight *w;
    const char *prompt = case_text(c, "prompt");
    float *want = load(f, c, "out", &w);
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
        return control_passes(f, c, model, detail, size);
    if (!case_part(c))
        return request_passes(f, c, model, detail, size);
    error = case_error(f, c, &parts);
    snprintf(detail, size, "relative error %.2e", error);
    return error >= 0 && error <= TENSOR_TOLERANCE;
}
