#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels/vector_ops.h"
#include "pipeline/adapted_model.h"
#include "pipeline/compute_pool.h"
#include "pipeline/generation.h"

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

void ltd_session_free(struct ltd_session *s)
{
    if (!s)
        return;
    pool_free(s->pool);
    free(s);
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

enum ltd_status ltd_session_generate(struct ltd_session *s, const struct ltd_gen_params *params, int index,
                                     const struct ltd_watch *watch, struct ltd_image **out,
                                     struct ltd_gen_report *report, struct ltd_error *err)
{
    const struct ltd_model *adapted = NULL;
    struct ltd_image *image = NULL;
    struct scratch_plan plan;
    struct generation g;
    enum ltd_status st = generation_check(&g, s->model, params, index, err);

    if (st == LTD_OK)
        st = adapted_model_take(s->model, params, s->pool, watch ? watch->cancel : NULL, &adapted, err);
    if (st == LTD_OK) {
        generation_adapt(&g, adapted);
        generation_recall(&g);
        st = generation_plan(&g, pool_threads(s->pool), &plan, err);
    }
    if (st == LTD_OK)
        st = ltd_image_new(params->width, params->height, &image, err);
    if (st == LTD_OK) {
        g.watch = watch;
        g.pixels = image->pixels;
        st = run(s, &g, &plan, err);
    }
    if (st == LTD_OK) {
        *out = image;
        if (report)
            *report = g.report;
    } else {
        ltd_image_free(image);
    }
    generation_fini(&g);
    adapted_model_release(s->model, adapted);
    return st;
}
