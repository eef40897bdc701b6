#include "fake_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <latentd/cost.h>
#include <latentd/session.h>

#define FLOP_PER_MS 1e9

atomic_int fake_engine_step_ms, fake_engine_running, fake_engine_most_running, fake_engine_sessions;
atomic_int fake_engine_load_ms, fake_engine_models, fake_engine_looks;

struct ltd_model {
    bool whole; /* opened to be drawn with */
};

struct ltd_session {
    const struct ltd_model *model;
};

static enum ltd_status open_model(const char *path, bool whole, struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *model = calloc(1, sizeof *model);
    const char *step_ms = getenv("FAKE_ENGINE_STEP_MS");

    if (!model)
        return ltd_fail(err, LTD_ENOMEM, "no memory");
    if (strstr(path, "unreadable") || (whole && strstr(path, "broken"))) {
        free(model);
        return ltd_fail(err, LTD_EFORMAT, "%s: no model of this engine", path);
    }
    if (step_ms)
        atomic_store(&fake_engine_step_ms, atoi(step_ms));
    model->whole = whole;
    atomic_fetch_add(whole ? &fake_engine_models : &fake_engine_looks, 1);
    *out = model;
    return LTD_OK;
}

enum ltd_status ltd_model_open_with(const char *path, const char *vae, struct ltd_model **out,
                                    struct ltd_error *err)
{
    (void)vae;
    usleep(1000 * (useconds_t)atomic_load(&fake_engine_load_ms));
    return open_model(path, true, out, err);
}

enum ltd_status ltd_model_open_shapes(const char *path, const char *vae, struct ltd_model **out,
                                      struct ltd_error *err)
{
    (void)vae;
    return open_model(path, false, out, err);
}

enum ltd_status ltd_model_look(const char *path, struct ltd_error *err)
{
    return access(path, F_OK) == 0 ? LTD_OK : ltd_fail(err, LTD_ENOTFOUND, "%s: no such model", path);
}

void ltd_params_final_size(const struct ltd_model *model, const struct ltd_gen_params *params, int *width,
                           int *height)
{
    (void)model;
    *width = params->width;
    *height = params->height;
}

enum ltd_status ltd_model_inspect(const char *path, const char *vae, struct ltd_json **out,
                                  struct ltd_error *err)
{
    (void)vae, (void)out;
    return ltd_fail(err, LTD_ENOTFOUND, "%s: this engine inspects nothing", path);
}

void ltd_model_close(struct ltd_model *model)
{
    if (model)
        atomic_fetch_sub(model->whole ? &fake_engine_models : &fake_engine_looks, 1);
    free(model);
}

enum ltd_status ltd_model_add_embeddings(struct ltd_model *model, const char *dir, struct ltd_error *err)
{
    (void)model;
    return ltd_fail(err, LTD_ENOTFOUND, "%s: the fake engine has no embeddings", dir);
}

size_t ltd_model_embedding_count(const struct ltd_model *model)
{
    (void)model;
    return 0;
}

struct ltd_embedding ltd_model_embedding(const struct ltd_model *model, size_t i)
{
    (void)model, (void)i;
    abort();
}

enum ltd_status ltd_model_add_loras(struct ltd_model *model, const char *dir, struct ltd_error *err)
{
    (void)model;
    return ltd_fail(err, LTD_ENOTFOUND, "%s: the fake engine has no LoRAs", dir);
}

size_t ltd_model_lora_count(const struct ltd_model *model)
{
    (void)model;
    return 0;
}

struct ltd_lora_info ltd_model_lora(const struct ltd_model *model, size_t i)
{
    (void)model, (void)i;
    abort();
}

enum ltd_status ltd_model_add_control_nets(struct ltd_model *model, const char *dir, struct ltd_error *err)
{
    (void)model;
    return ltd_fail(err, LTD_ENOTFOUND, "%s: the fake engine has no ControlNets", dir);
}

size_t ltd_model_control_net_count(const struct ltd_model *model)
{
    (void)model;
    return 0;
}

struct ltd_control_net_info ltd_model_control_net(const struct ltd_model *model, size_t i)
{
    (void)model, (void)i;
    abort();
}

void ltd_model_prefer_precision(struct ltd_model *model, enum ltd_precision precision)
{
    (void)model;
    (void)precision;
}

void ltd_model_use_upscalers(struct ltd_model *model, const struct ltd_upscalers *upscalers)
{
    (void)model, (void)upscalers;
}

const struct ltd_model_info *ltd_model_info(const struct ltd_model *model)
{
    static const struct ltd_model_info info = {
        .family = "fake",
        .prediction_type = "epsilon",
        .scheduler_class = "DDIMScheduler",
        .dtype = "f32",
        .about = "",
        .file_bytes = FAKE_ENGINE_MODEL_BYTES,
        .vae = "",
        .vae_factor = 8,
        .latent_channels = 4,
        .token_limit = 77,
        .native_width = 64,
        .native_height = 64,
        .text_layers = 2,
    };

    (void)model;
    return &info;
}

struct ltd_gen_params ltd_params_default(const struct ltd_model *model)
{
    (void)model;
    return (struct ltd_gen_params){.prompt = "",
                                   .negative_prompt = "",
                                   .steps = 4,
                                   .cfg_scale = 7.5,
                                   .width = 64,
                                   .height = 64,
                                   .count = 1,
                                   .strength = 0.75,
                                   .masked_content = LTD_MASKED_ORIGINAL,
                                   .guidance_end = 1,
                                   .deepcache_interval = 1,
                                   .eta = LTD_ETA_STANDARD,
                                   .s_noise = 1};
}

static bool check_side(const char *field, int side, ltd_finding_fn *found, void *arg)
{
    char message[80];

    if (side % 8 == 0)
        return true;
    snprintf(message, sizeof message, "must be a multiple of 8; the nearest are %d and %d", side / 8 * 8,
             side / 8 * 8 + 8);
    found(arg, false, field, message);
    return false;
}

bool ltd_params_check(const struct ltd_model *model, const struct ltd_gen_params *params,
                      ltd_finding_fn *found, void *arg)
{
    const bool width = check_side("width", params->width, found, arg);
    const bool height = check_side("height", params->height, found, arg);

    (void)model;
    if (params->clip_skip > 1)
        found(arg, false, "clip_skip", "the text encoder has 2 layers; send 0 or 1");
    if (params->width > 512)
        found(arg, true, "width", "far from the model's size");
    for (int i = 0; i < 12 && strcmp(params->prompt, "many_warnings") == 0; i++)
        found(arg, true, "prompt",
              "twelve times this, which is about as long as what a model has to say of a prompt "
              "that it cuts: it tells how many tokens there are and how many are read, and ends with a dot.");
    return width && height && params->clip_skip <= 1;
}

char *ltd_params_text(const struct ltd_model *model, const struct ltd_gen_params *params, int index,
                      const struct ltd_picture_form *form, struct ltd_model_label label)
{
    char *text = malloc(64);

    (void)model, (void)form, (void)label;
    if (text)
        snprintf(text, 64, "Seed: %llu", (unsigned long long)params->seed + (unsigned)index);
    return text;
}

const char *ltd_phase_name(enum ltd_phase phase)
{
    static const char *const names[] = {"text", "encode", "sample", "decode"};

    return names[phase];
}

const char *ltd_isa_name(void)
{
    return "fake";
}

void ltd_build_text(char text[LTD_BUILD_TEXT_SIZE])
{
    snprintf(text, LTD_BUILD_TEXT_SIZE, "fake");
}

enum ltd_status ltd_session_new(const struct ltd_model *model, int threads, struct ltd_session **out,
                                struct ltd_error *err)
{
    struct ltd_session *session = calloc(1, sizeof *session);

    (void)threads;
    if (!session)
        return ltd_fail(err, LTD_ENOMEM, "no memory");
    session->model = model;
    atomic_fetch_add(&fake_engine_sessions, 1);
    *out = session;
    return LTD_OK;
}

void ltd_session_set_model(struct ltd_session *session, const struct ltd_model *model)
{
    session->model = model;
}

void ltd_session_free(struct ltd_session *session)
{
    if (session)
        atomic_fetch_sub(&fake_engine_sessions, 1);
    free(session);
}

enum ltd_status ltd_probe_speed(int threads, double seconds, double *flop_per_second, struct ltd_error *err)
{
    (void)threads, (void)seconds, (void)err;
    *flop_per_second = FLOP_PER_MS * 1000;
    return LTD_OK;
}

/* By the probe's speed: what a step takes, and nothing for the rest. */
enum ltd_status ltd_params_cost(const struct ltd_model *model, const struct ltd_gen_params *params,
                                int threads, struct ltd_cost *out, struct ltd_error *err)
{
    (void)model, (void)threads, (void)err;
    *out = (struct ltd_cost){.step_flop = FLOP_PER_MS * atomic_load(&fake_engine_step_ms),
                             .evaluations = params->steps,
                             .scratch_bytes = (size_t)params->width * (size_t)params->height};
    return LTD_OK;
}

/* What enlarges pictures is the real one, which no network is given to here: none needs threads. */
struct pool *session_pool(const struct ltd_session *session);
struct pool *session_pool(const struct ltd_session *session)
{
    (void)session;
    return NULL;
}

/* A gray that grows brighter from step to step, 8 pixels a side. */
static void show_preview(const struct ltd_gen_params *params, const struct ltd_watch *watch, int step)
{
    uint8_t pixels[8 * 8 * 3];
    const struct ltd_image picture = {8, 8, pixels};

    if (!watch->preview || !watch->wants_preview || !atomic_load(watch->wants_preview))
        return;
    memset(pixels, 255 * step / params->steps, sizeof pixels);
    watch->preview(watch->arg, &picture, step);
}

static bool is_canceled(const struct ltd_watch *watch)
{
    return watch->cancel && atomic_load(watch->cancel);
}

static enum ltd_status walk(const struct ltd_gen_params *params, const struct ltd_watch *watch,
                            struct ltd_error *err)
{
    watch->progress(watch->arg, LTD_PHASE_TEXT, 0, 1);
    watch->progress(watch->arg, LTD_PHASE_SAMPLE, 0, params->steps);
    for (int step = 1; step <= params->steps; step++) {
        const int ms = atomic_load(&fake_engine_step_ms);

        for (int waited = 0; waited < ms && !is_canceled(watch); waited++)
            usleep(1000);
        if (is_canceled(watch))
            return ltd_fail(err, LTD_ECANCELED, "canceled");
        show_preview(params, watch, step);
        watch->progress(watch->arg, LTD_PHASE_SAMPLE, step, params->steps);
    }
    if (strcmp(params->prompt, "non_finite") == 0)
        return ltd_fail(err, LTD_ENONFINITE, "the latent stopped being finite");
    watch->progress(watch->arg, LTD_PHASE_DECODE, 0, 1);
    return LTD_OK;
}

/* Noise, which does not compress: long replies need no large pictures. */
static void fill(struct ltd_image *image, uint64_t seed)
{
    uint64_t state = seed;

    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height * 3; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        image->pixels[i] = (uint8_t)(state >> 56);
    }
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

enum ltd_status ltd_session_generate(struct ltd_session *session, const struct ltd_gen_params *params,
                                     int index, const struct ltd_watch *watch, struct ltd_image **out,
                                     struct ltd_gen_report *report, struct ltd_error *err)
{
    const int running = atomic_fetch_add(&fake_engine_running, 1) + 1;
    const double begun = seconds();
    enum ltd_status st = walk(params, watch, err);
    struct ltd_image *image;

    (void)session;
    if (running > atomic_load(&fake_engine_most_running))
        atomic_store(&fake_engine_most_running, running);
    atomic_fetch_sub(&fake_engine_running, 1);
    if (st != LTD_OK)
        return st;
    st = ltd_image_new(params->width, params->height, &image, err);
    if (st != LTD_OK)
        return st;
    fill(image, params->seed + (unsigned)index);
    *out = image;
    if (report)
        *report = (struct ltd_gen_report){.sample_s = seconds() - begun};
    return LTD_OK;
}
