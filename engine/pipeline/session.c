#include <latentd/limits.h>
#include <latentd/session.h>

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "kernels/gemm.h"
#include "kernels/vector_ops.h"
#include "pipeline/generation.h"

struct ltd_session {
    const struct ltd_model *model;
    struct pool *pool;
};

/* What a generation needs. */
struct scratch_plan {
    size_t lane_bytes; /* of each compute thread */
    size_t bytes;      /* of everything */
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

/* Those that this process may use. */
static int processors(void)
{
    cpu_set_t mask;

    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask)
                                                         : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

enum ltd_status ltd_session_new(const struct ltd_model *model, int threads, struct ltd_session **out,
                                struct ltd_error *err)
{
    const int cores = processors();
    struct ltd_session *s;
    enum ltd_status st;

    if (threads < 0 || threads > LTD_MAX_THREADS)
        return ltd_fail(err, LTD_EINVAL, "a session has 1 to %d compute threads, not %d", LTD_MAX_THREADS,
                        threads);
    if (threads == 0)
        threads = cores < 1 ? 1 : cores > LTD_MAX_THREADS ? LTD_MAX_THREADS : cores;
    if (!gemm_init())
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "this OpenBLAS is built with OpenMP; install libopenblas0-pthread");
    s = calloc(1, sizeof *s);
    if (!s)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a session");
    s->model = model;
    st = pool_new(threads, &s->pool, err);
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

/* The lanes first, then everything else: as the real run lays them out. */
static enum ltd_status measure(const struct ltd_session *s, struct generation *g, struct scratch_plan *plan,
                               struct ltd_error *err)
{
    struct arena arena, lanes;
    struct exec dry = {.arena = &arena};
    enum ltd_status st;

    arena_init_dry(&arena);
    st = generation_run(g, &dry, err);
    if (st != LTD_OK)
        return st;
    plan->lane_bytes = dry.lane_bytes;
    arena_init_dry(&lanes);
    arena_alloc(&lanes, (size_t)pool_threads(s->pool), plan->lane_bytes);
    if (arena.overflow || lanes.overflow || __builtin_add_overflow(lanes.peak, arena.peak, &plan->bytes))
        return ltd_fail(err, LTD_ETOOBIG, "a picture of this size does not fit into memory");
    return LTD_OK;
}

static enum ltd_status prepare(const struct ltd_session *s, const struct ltd_gen_params *params, int index,
                               struct generation *g, struct scratch_plan *plan, struct ltd_error *err)
{
    enum ltd_status st;

    *g = (struct generation){0};
    *plan = (struct scratch_plan){0};
    if (err)
        err->status = LTD_OK;
    if (!ltd_params_check(s->model, params, params_keep_first, err))
        return LTD_EINVAL;
    if (index < 0 || index >= params->count)
        return ltd_fail(err, LTD_EINVAL, "image %d of %d", index, params->count);
    st = generation_init(g, s->model, params, index, err);
    return st == LTD_OK ? measure(s, g, plan, err) : st;
}

enum ltd_status ltd_session_plan(const struct ltd_session *s, const struct ltd_gen_params *params,
                                 size_t *bytes, struct ltd_error *err)
{
    struct generation g;
    struct scratch_plan plan;
    enum ltd_status st = prepare(s, params, 0, &g, &plan, err);

    generation_fini(&g);
    if (st == LTD_OK)
        *bytes = plan.bytes;
    return st;
}

static enum ltd_status run(const struct ltd_session *s, struct generation *g, const struct scratch_plan *plan,
                           struct ltd_error *err)
{
    struct arena arena = {0};
    struct exec e = {.arena = &arena, .pool = s->pool, .cancel = g->watch ? g->watch->cancel : NULL};
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
    struct ltd_image *image = NULL;
    struct scratch_plan plan;
    struct generation g;
    enum ltd_status st = prepare(s, params, index, &g, &plan, err);

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
    return st;
}
