/*
 * generation.h - the story of one picture, from prompt to pixels.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stdint.h>

#include <latentd/cost.h>
#include <latentd/session.h>

#include "base/torch_rng.h"
#include "pipeline/conditioning.h"
#include "pipeline/control_maps.h"
#include "pipeline/model_parts.h"
#include "tensor/exec.h"

/* Everything that one picture needs besides scratch memory; lives on the stack of the call that makes it. */
struct generation {
    const struct ltd_model *model;
    const struct ltd_gen_params *params;
    int index;                     /* of the picture in the request */
    const struct ltd_watch *watch; /* NULL: nobody watches */
    struct sampling_plan *plan;
    struct conditioning conditioning;
    struct torch_rng rng, aside; /* aside: AUTOMATIC1111's for what the VAE says of pictures */
    const struct control_net *nets[LTD_MAX_CONTROLS]; /* of params' controls: shapes, or what can be run */
    struct ltd_image *maps[LTD_MAX_CONTROLS];         /* what they are shown; NULL: not prepared yet */
    struct inpaint *inpaint;                          /* NULL: no mask, or not prepared yet */
    uint8_t *pixels;                                  /* [height, width, 3]; NULL: stop at the latent */
    const float
        *from_latent; /* [channels, h, w]: what it starts from in place of params' image; NULL: that */
    float *latent;    /* NULL, or [channels, h, w]: a copy of the final latent; for tests */
    struct ltd_gen_report report;
    struct ltd_cost cost; /* its FLOP, as a dry run counts them */
};

/* What a generation needs. */
struct scratch_plan {
    size_t lane_bytes; /* of each compute thread */
    size_t bytes;      /* of everything */
};

/* What draws the samples of what the VAE says of pictures, after the noise of the start.  AUTOMATIC1111 takes
 * a generator that nobody has seeded: any will do. */
static inline struct torch_rng *generation_spread_rng(struct generation *g)
{
    return g->params->profile == LTD_PROFILE_A1111 ? &g->aside : &g->rng;
}

/* Plans, and reads the prompts; params must have passed ltd_params_check.  generation_fini afterwards, also
 * on failure. Errors: LTD_EINVAL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status generation_init(struct generation *g, const struct ltd_model *model,
                                             const struct ltd_gen_params *params, int index,
                                             struct ltd_error *err);
void generation_fini(struct generation *g);

/* Checks params and fills *g as generation_init does.  generation_fini afterwards, also on failure.  Errors:
 * LTD_EINVAL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status generation_check(struct generation *g, const struct ltd_model *model,
                                              const struct ltd_gen_params *params, int index,
                                              struct ltd_error *err);

/* From now on it is drawn by another model of the same shapes: the same one with other weights; and by
 * networks [LTD_MAX_CONTROLS] in place of the shapes of those that its controls name. */
void generation_adapt(struct generation *g, const struct ltd_model *model,
                      const struct control_net *const *nets);

/* Takes what the model remembers of the prompts: less is left to do, and to plan for.  What is encoded is
 * remembered in any case. */
void generation_recall(struct generation *g);

/* Runs it dry for so many compute threads: *plan is what a run will take.  Errors: LTD_ETOOBIG. */
LTD_MUST_USE enum ltd_status generation_plan(struct generation *g, int threads, struct scratch_plan *plan,
                                             struct ltd_error *err);

/* What a run needs that a dry one does not: the pixels of a mask, and of controls.  generation_fini
 * afterwards, also on failure. Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status generation_prepare(struct generation *g, struct ltd_error *err);

/* Runs it on e, once it is prepared; on a dry e it only counts.  Errors: LTD_ECANCELED, LTD_ENONFINITE. */
LTD_MUST_USE enum ltd_status generation_run(struct generation *g, struct exec *e, struct ltd_error *err);

#endif
