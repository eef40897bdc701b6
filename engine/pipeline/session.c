#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels/vector_ops.h"
#include "pipeline/adapted_model.h"
#include "pipeline/compute_pool.h"
#include "pipeline/generation.h"
#include "pipeline/inpaint.h"
#include "pipeline/second_pass.h"
#include "pipeline/session_pool.h"

struct ltd_session {
    const struct ltd_model *model;
    struct pool *pool;
};

const char *ltd_phase_name(enum ltd_phase phase)
{
    static const char *const names[] = {"text", "encode", "sample", "decode"};

    return names[phase];
}

const char *ltd_isa_name(void)
{
    return vector_ops()->isa;
}

void ltd_build_text(char text[LTD_BUILD_TEXT_SIZE])
{
    char library[64] = "";

#ifdef _CS_GNU_LIBC_VERSION
    confstr(_CS_GNU_LIBC_VERSION, library, sizeof library);
#endif
    snprintf(text, LTD_BUILD_TEXT_SIZE, "%s%s%s", LATENTD_BUILD, *library ? " " : "", library);
}

enum ltd_status ltd_session_new(const struct ltd_model *model, int threads, struct ltd_session **out,
                                struct ltd_error *err)
{
    struct ltd_session *s = calloc(1, sizeof *s);
    enum ltd_status st;

    if (!s)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a session");
    s->model = model;
    st = compute_pool_new(threads, &s->pool, err);
    if (st == LTD_OK)
        *out = s;
    else
        ltd_session_free(s);
    return st;
}

void ltd_session_set_model(struct ltd_session *s, const struct ltd_model *model)
{
    s->model = model;
}

void ltd_session_free(struct ltd_session *s)
{
    if (!s)
        return;
    pool_free(s->pool);
    free(s);
}

struct pool *session_pool(const struct ltd_session *s)
{
    return s->pool;
}

static enum ltd_status run(const struct ltd_session *s, struct generation *g, const struct scratch_plan *plan,
                           struct ltd_error *err)
{
    struct arena arena = {0};
    struct exec e = {.arena = &arena,
                     .pool = s->pool,
                     .cancel = g->watch ? g->watch->cancel : NULL,
                     .strict = g->params->numerics == LTD_NUMERICS_STRICT,
                     .timings = g->watch ? g->watch->timings : NULL};
    enum ltd_status st = arena_reserve(&arena, plan->bytes, err);

    if (st != LTD_OK)
        return st;
    exec_set_lanes(&e, arena_alloc(&arena, (size_t)pool_threads(s->pool), plan->lane_bytes),
                   plan->lane_bytes);
    st = generation_run(g, &e, err);
    g->report.planned_bytes = plan->bytes;
    g->report.used_bytes = arena.peak;
    arena_fini(&arena);
    return st;
}

/* What a job holds of the shared model while it draws. */
struct leases {
    const struct ltd_model *adapted;
    const struct control_net *nets[LTD_MAX_CONTROLS];
};

/* Draws one pass; *out stays NULL where only the latent is wanted. */
static enum ltd_status draw(const struct ltd_session *s, const struct leases *leases, struct generation *g,
                            struct ltd_image **out, struct ltd_error *err)
{
    const struct ltd_gen_params *params = g->params;
    struct ltd_image *image = NULL;
    struct scratch_plan plan;
    enum ltd_status st;

    generation_adapt(g, leases->adapted, leases->nets);
    generation_recall(g);
    st = generation_plan(g, pool_threads(s->pool), &plan, err);
    if (st == LTD_OK)
        st = generation_prepare(g, err);
    if (st == LTD_OK && !g->latent)
        st = ltd_image_new(params->width, params->height, &image, err);
    if (st == LTD_OK) {
        g->pixels = image ? image->pixels : NULL;
        st = run(s, g, &plan, err);
    }
    if (st == LTD_OK && g->inpaint)
        st = inpaint_finish(g->inpaint, params, &image, err);
    if (st == LTD_OK)
        *out = image;
    else
        ltd_image_free(image);
    return st;
}

/* One watch over two passes: what a job tells goes on, and does not begin again. */
struct watch_of_two {
    const struct ltd_watch *outer;
    bool second;
    int before, total; /* evaluations */
    struct ltd_watch inner;
};

static void on_progress_of_two(void *arg, enum ltd_phase phase, int done, int total)
{
    const struct watch_of_two *w = arg;

    (void)total;
    if (phase == LTD_PHASE_SAMPLE)
        w->outer->progress(w->outer->arg, phase, w->before + done, w->total);
    else if (w->second == (phase == LTD_PHASE_DECODE))
        w->outer->progress(w->outer->arg, phase, done, 1);
}

static void on_preview_of_two(void *arg, const struct ltd_image *picture, int done)
{
    const struct watch_of_two *w = arg;

    w->outer->preview(w->outer->arg, picture, w->before + done);
}

static void watch_two(struct watch_of_two *w, const struct ltd_watch *outer, int first, int second)
{
    *w = (struct watch_of_two){.outer = outer, .total = first + second};
    if (!outer)
        return;
    w->inner = *outer;
    w->inner.arg = w;
    w->inner.progress = outer->progress ? on_progress_of_two : NULL;
    w->inner.preview = outer->preview ? on_preview_of_two : NULL;
}

static void add_report(struct ltd_gen_report *sum, const struct ltd_gen_report *report)
{
    sum->text_s += report->text_s;
    sum->encode_s += report->encode_s;
    sum->sample_s += report->sample_s;
    sum->decode_s += report->decode_s;
    sum->recalled += report->recalled;
    if (report->planned_bytes > sum->planned_bytes)
        sum->planned_bytes = report->planned_bytes;
    if (report->used_bytes > sum->used_bytes)
        sum->used_bytes = report->used_bytes;
}

static struct tensor latent_shape(const struct ltd_model *model, const struct ltd_gen_params *params)
{
    const size_t factor = (size_t)model->info.vae_factor;

    return (struct tensor){NULL, 1, (size_t)params->height / factor, (size_t)params->width / factor,
                           (size_t)model->info.latent_channels};
}

/* What the first pass has drawn, for the second. */
struct between {
    float *small, *large; /* latents */
    struct ltd_image *small_image, *large_image;
};

static void between_fini(struct between *b)
{
    free(b->small);
    free(b->large);
    ltd_image_free(b->small_image);
    ltd_image_free(b->large_image);
}

/* What it takes counts as a part of decoding the first pass. */
static enum ltd_status enlarge_by_network(const struct ltd_session *s, const struct second_pass *pass,
                                          struct generation *g, struct between *b, struct ltd_error *err)
{
    const struct ltd_upscale_params params = second_pass_upscale(pass, b->small_image);
    const struct ltd_watch watch = {.cancel = g->watch ? g->watch->cancel : NULL,
                                    .timings = g->watch ? g->watch->timings : NULL};
    struct ltd_gen_report report;
    const enum ltd_status st =
        ltd_session_upscale(s, s->model->upscalers, &params, &watch, &b->large_image, &report, err);

    if (st != LTD_OK)
        return st;
    report.decode_s += report.sample_s;
    report.sample_s = 0;
    add_report(&g->report, &report);
    return LTD_OK;
}

static enum ltd_status draw_first(const struct ltd_session *s, const struct leases *leases,
                                  const struct second_pass *pass, struct generation *g, struct between *b,
                                  struct ltd_error *err)
{
    const struct tensor small = latent_shape(s->model, &pass->first),
                        large = latent_shape(s->model, &pass->second);
    enum ltd_status st;

    if (pass->latent) {
        b->small = malloc(tensor_count(small) * sizeof *b->small);
        b->large = malloc(tensor_count(large) * sizeof *b->large);
        if (!b->small || !b->large)
            return ltd_fail(err, LTD_ENOMEM, "no memory for a latent between two passes");
        g->latent = b->small;
    }
    st = draw(s, leases, g, &b->small_image, err);
    if (st == LTD_OK && pass->latent)
        second_pass_enlarge(b->large, large, b->small, small, pass->first.hr_upscaler);
    else if (st == LTD_OK && pass->first.hr_network)
        st = enlarge_by_network(s, pass, g, b, err);
    else if (st == LTD_OK)
        st = ltd_image_resize(b->small_image, pass->second.width, pass->second.height, &b->large_image, err);
    return st;
}

static enum ltd_status draw_twice(const struct ltd_session *s, const struct leases *leases,
                                  const struct ltd_gen_params *params, int index,
                                  const struct ltd_watch *watch, struct ltd_image **out,
                                  struct ltd_gen_report *report, struct ltd_error *err)
{
    struct generation first = {0}, second = {0};
    struct between between = {0};
    struct watch_of_two two;
    struct second_pass pass;
    enum ltd_status st;

    second_pass_init(&pass, s->model, params);
    st = generation_init(&first, s->model, &pass.first, index, err);
    if (st == LTD_OK)
        st = generation_init(&second, s->model, &pass.second, index, err);
    if (st == LTD_OK) {
        watch_two(&two, watch, sampling_plan_evaluations(first.plan), sampling_plan_evaluations(second.plan));
        first.watch = second.watch = watch ? &two.inner : NULL;
        st = draw_first(s, leases, &pass, &first, &between, err);
    }
    if (st == LTD_OK) {
        two.second = true;
        two.before = sampling_plan_evaluations(first.plan);
        second.from_latent = between.large;
        if (between.large_image)
            pass.second.init_image = between.large_image;
        st = draw(s, leases, &second, out, err);
    }
    if (st == LTD_OK) {
        *report = first.report;
        add_report(report, &second.report);
    }
    generation_fini(&first);
    generation_fini(&second);
    between_fini(&between);
    return st;
}

enum ltd_status ltd_session_generate(struct ltd_session *s, const struct ltd_gen_params *params, int index,
                                     const struct ltd_watch *watch, struct ltd_image **out,
                                     struct ltd_gen_report *report, struct ltd_error *err)
{
    struct leases leases = {0};
    struct ltd_gen_report made = {0};
    struct generation g;
    enum ltd_status st;

    if (!s->model || s->model->use != BIND_RUN)
        return ltd_fail(err, LTD_EINVAL, "the session has no model whose weights may be read");
    st = generation_check(&g, s->model, params, index, err);
    if (st == LTD_OK)
        st =
            adapted_model_take(s->model, params, s->pool, watch ? watch->cancel : NULL, &leases.adapted, err);
    if (st == LTD_OK)
        st =
            control_nets_take(&s->model->control_nets, unet_config(s->model->unet), params, leases.nets, err);
    if (st == LTD_OK && params->hr_scale > 0) {
        st = draw_twice(s, &leases, params, index, watch, out, &made, err);
    } else if (st == LTD_OK) {
        g.watch = watch;
        st = draw(s, &leases, &g, out, err);
        made = g.report;
    }
    if (st == LTD_OK && report)
        *report = made;
    generation_fini(&g);
    control_nets_release(&s->model->control_nets, leases.nets);
    adapted_model_release(s->model, leases.adapted);
    return st;
}
