/* generation_plan.c - what a generation will take: the dry run before the real one. */
#include "pipeline/compute_pool.h"
#include "pipeline/generation.h"

/* The lanes first, then everything else: as the real run lays them out. */
enum ltd_status generation_plan(struct generation *g, int threads, struct scratch_plan *plan,
                                struct ltd_error *err)
{
    struct arena arena, lanes;
    struct exec dry = {.arena = &arena, .strict = g->params->numerics == LTD_NUMERICS_STRICT};
    enum ltd_status st;

    arena_init_dry(&arena);
    st = generation_run(g, &dry, err);
    if (st != LTD_OK)
        return st;
    plan->lane_bytes = dry.lane_bytes;
    arena_init_dry(&lanes);
    arena_alloc(&lanes, (size_t)threads, plan->lane_bytes);
    if (arena.overflow || lanes.overflow || __builtin_add_overflow(lanes.peak, arena.peak, &plan->bytes))
        return ltd_fail(err, LTD_ETOOBIG, "a picture of this size does not fit into memory");
    return LTD_OK;
}

enum ltd_status generation_check(struct generation *g, const struct ltd_model *model,
                                 const struct ltd_gen_params *params, int index, struct ltd_error *err)
{
    *g = (struct generation){0};
    if (err)
        err->status = LTD_OK;
    if (!ltd_params_check(model, params, params_keep_first, err))
        return LTD_EINVAL;
    if (index < 0 || index >= params->count)
        return ltd_fail(err, LTD_EINVAL, "image %d of %d", index, params->count);
    return generation_init(g, model, params, index, err);
}

enum ltd_status ltd_params_cost(const struct ltd_model *model, const struct ltd_gen_params *params,
                                int threads, struct ltd_cost *out, struct ltd_error *err)
{
    struct generation g = {0};
    struct scratch_plan plan;
    enum ltd_status st = compute_pool_threads(&threads, err);

    if (st == LTD_OK)
        st = generation_check(&g, model, params, 0, err);
    if (st == LTD_OK)
        st = generation_plan(&g, threads, &plan, err);
    if (st == LTD_OK) {
        *out = g.cost;
        out->evaluations = sampling_plan_evaluations(g.plan);
        out->scratch_bytes = plan.bytes;
    }
    generation_fini(&g);
    return st;
}
