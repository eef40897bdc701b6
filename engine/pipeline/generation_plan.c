/* generation_plan.c - what a generation will take: the dry run before the real one. */
#include "pipeline/compute_pool.h"
#include "pipeline/generation.h"
#include "pipeline/second_pass.h"

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

static enum ltd_status cost_of(struct generation *g, int threads, struct ltd_cost *out, struct ltd_error *err)
{
    struct scratch_plan plan;
    const enum ltd_status st = generation_plan(g, threads, &plan, err);

    if (st != LTD_OK)
        return st;
    *out = g->cost;
    out->evaluations = sampling_plan_evaluations(g->plan);
    out->scratch_bytes = plan.bytes;
    return LTD_OK;
}

static void add_cost(struct ltd_cost *sum, const struct ltd_cost *cost)
{
    const double steps = sum->step_flop * sum->evaluations + cost->step_flop * cost->evaluations;

    sum->text_flop += cost->text_flop;
    sum->encode_flop += cost->encode_flop;
    sum->decode_flop += cost->decode_flop;
    sum->evaluations += cost->evaluations;
    sum->step_flop = steps / sum->evaluations;
    if (cost->scratch_bytes > sum->scratch_bytes)
        sum->scratch_bytes = cost->scratch_bytes;
}

static enum ltd_status add_network(const struct ltd_model *model, const struct second_pass *pass, int threads,
                                   struct ltd_cost *out, struct ltd_error *err)
{
    const struct ltd_image small = {pass->first.width, pass->first.height, NULL};
    const struct ltd_upscale_params params = second_pass_upscale(pass, &small);
    struct ltd_cost cost;
    const enum ltd_status st = ltd_upscale_cost(model->upscalers, &params, threads, &cost, err);

    if (st != LTD_OK)
        return st;
    out->decode_flop += cost.step_flop * cost.evaluations;
    if (cost.scratch_bytes > out->scratch_bytes)
        out->scratch_bytes = cost.scratch_bytes;
    return LTD_OK;
}

/* Of both passes; the first is decoded only where its picture is made larger. */
static enum ltd_status cost_of_two(const struct ltd_model *model, const struct ltd_gen_params *params,
                                   int threads, struct ltd_cost *out, struct ltd_error *err)
{
    static const float unseen;
    struct generation first = {0}, second = {0};
    struct second_pass pass;
    struct ltd_cost cost;
    enum ltd_status st;

    second_pass_init(&pass, model, params);
    st = generation_init(&first, model, &pass.first, 0, err);
    if (st == LTD_OK)
        st = generation_init(&second, model, &pass.second, 0, err);
    second.from_latent = pass.latent ? &unseen : NULL;
    if (st == LTD_OK)
        st = cost_of(&first, threads, out, err);
    if (st == LTD_OK)
        st = cost_of(&second, threads, &cost, err);
    if (st == LTD_OK) {
        if (pass.latent)
            out->decode_flop = 0;
        add_cost(out, &cost);
    }
    if (st == LTD_OK && params->hr_network)
        st = add_network(model, &pass, threads, out, err);
    generation_fini(&first);
    generation_fini(&second);
    return st;
}

enum ltd_status ltd_params_cost(const struct ltd_model *model, const struct ltd_gen_params *params,
                                int threads, struct ltd_cost *out, struct ltd_error *err)
{
    struct generation g = {0};
    enum ltd_status st = compute_pool_threads(&threads, err);

    if (st == LTD_OK)
        st = generation_check(&g, model, params, 0, err);
    if (st == LTD_OK && params->hr_scale > 0)
        st = cost_of_two(model, params, threads, out, err);
    else if (st == LTD_OK)
        st = cost_of(&g, threads, out, err);
    generation_fini(&g);
    return st;
}
