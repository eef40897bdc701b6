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

enum ltd_status fixture_open_model(const struct fixture *f, struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *model = NULL;
    enum ltd_status st = ltd_model_open(f->model_dir, &model, err);

    if (st == LTD_OK)
        st = add_embeddings(f, model, err);
    if (st == LTD_OK)
        st = add_loras(f, model, err);
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

static double case_number(const struct ltd_json *c, const char *key, double absent)
{
    const struct ltd_json *v = ltd_json_get(c, key);

    return v ? ltd_json_number(v) : absent;
}

const char *case_part(const struct ltd_json *c)
{
    const char *kind = case_text(c, "kind");

    if (strncmp(kind, "text", 4) == 0)
        return "text_encoder";
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

/* One input or output of a tensor case. */
struct operand {
    float *values;
    const struct weight *w;
    struct tensor t; /* NHWC; its data is this operand's own */
};

/* Loads [n, c, h, w] or [n, tokens, c] as a tensor. */
static bool operand_load(struct operand *o, const struct fixture *f, const struct ltd_json *c,
                         const char *key)
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

static void operand_free(struct operand *o)
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
    const int32_t *ids;
};

static bool forward_can(const struct forward *r)
{
    const char *part = case_part(r->c);

    return (strcmp(part, "text_encoder") == 0 && r->parts->text) ||
           (strcmp(part, "unet") == 0 && r->parts->unet) || (strcmp(part, "vae") == 0 && r->parts->vae);
}

/* As a job does it: first what depends on the text and the timestep alone. */
static void unet_run(const struct forward *r, struct exec *e)
{
    const struct unet *u = r->parts->unet;
    const double timestep = case_number(r->c, "timestep", 0);
    const size_t mark = exec_mark(e);
    const struct unet_input input = {
        .times = exec_tensor(e, 1, 1, 1, unet_time_channels(u)),
        .texts = exec_tensor(e, r->context.n, r->context.h, 1, unet_text_channels(u))};

    unet_time_forward(u, e, input.times, &timestep);
    unet_text_forward(u, e, input.texts, r->context);
    unet_forward(u, e, r->y, r->x, &input);
    exec_rewind(e, mark);
}

static void forward_run(void *arg, struct exec *e)
{
    const struct forward *r = arg;
    const bool decoder = strcmp(case_text(r->c, "part"), "decoder") == 0;

    if (strcmp(r->kind, "text") == 0)
        clip_text_forward(r->parts->text, e, r->y, r->ids, (size_t)case_number(r->c, "clip_skip", 0));
    else if (strcmp(r->kind, "text_keys") == 0)
        clip_text_keys(r->parts->text, e, r->y, r->ids, (size_t)case_number(r->c, "layer", 0));
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

double case_error(const struct fixture *f, const struct ltd_json *c, const struct parts *parts)
{
    struct operand want = {0}, x = {0}, context = {0};
    struct forward r = {.c = c, .parts = parts, .kind = case_text(c, "kind")};
    const char *input = ltd_json_get(c, "sample") ? "sample" : ltd_json_get(c, "latent") ? "latent" : "image";
    int32_t *ids = NULL;
    double error = -1;
    bool ready = forward_can(&r) && operand_load(&want, f, c, "out");

    if (ready && strcmp(case_part(c), "text_encoder") == 0) {
        x.values = load(f, c, "ids", &x.w);
        ids = x.values ? to_ids(&x) : NULL;
        ready = ids != NULL;
    } else if (ready) {
        ready = operand_load(&x, f, c, input);
    }
    if (ready && strcmp(r.kind, "unet") == 0)
        ready = operand_load(&context, f, c, "context");
    r.ids = ids;
    r.x = x.t;
    r.context = context.t;
    r.y = want.t;
    r.y.data = ready ? malloc(tensor_count(want.t) * sizeof(float)) : NULL;
    if (r.y.data && run_exec(f->pool, forward_run, &r))
        error = check_relative_error(r.y.data, want.t.data, tensor_count(want.t));
    free(r.y.data);
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
    p.width = (int)case_number(r, "width", p.width);
    p.height = (int)case_number(r, "height", p.height);
    p.strength = case_number(r, "strength", p.strength);
    p.clip_skip = (int)case_number(r, "clip_skip", 0);
    p.guidance_start = case_number(r, "guidance_start", 0);
    p.guidance_end = case_number(r, "guidance_end", 1);
    p.deepcache_interval = (int)case_number(r, "deepcache_interval", 1);
    p.numerics = LTD_NUMERICS_STRICT;
    if (ltd_json_get(r, "seed") && !ltd_json_uint64(ltd_json_get(r, "seed"), &p.seed))
        p.steps = -1; /* refused by ltd_params_check: the fixture is wrong */
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

/* The picture [h, w, 3] under the case's key, as 8-bit values; NULL when there is none. */
static struct ltd_image *load_image(const struct fixture *f, const struct ltd_json *c, const char *key)
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

/* In strict numerics the largest difference and how many there are count, in default numerics the noise. */
static bool compare_pictures(const struct ltd_image *got, const struct ltd_image *want, bool strict,
                             char *detail, size_t size)
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
    struct ltd_lora loras[LTD_MAX_LORAS];
    bool passed = false;

    p.init_image = init;
    p.loras = loras;
    p.lora_count = read_loras(ltd_json_get(c, "request"), loras);
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
    ltd_image_free(init);
    return passed;
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
    const struct parts parts = {model->text, model->unet, model->vae};
    double error;

    if (strcmp(kind, "tokens") == 0)
        return tokens_pass(f, c, model, detail, size);
    if (!case_part(c))
        return request_passes(f, c, model, detail, size);
    error = case_error(f, c, &parts);
    snprintf(detail, size, "relative error %.2e", error);
    return error >= 0 && error <= TENSOR_TOLERANCE;
}
