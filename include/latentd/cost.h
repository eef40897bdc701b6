/*
 * cost.h - what a request will take, before it is run.
 *
 * The counts come from the same code that draws, run dry: with shapes and without numbers.
 */
#ifndef LATENTD_COST_H
#define LATENTD_COST_H

#include <stddef.h>

#include <latentd/error.h>
#include <latentd/model.h>
#include <latentd/params.h>

/* What one image takes, if the model remembers none of its prompts.  A FLOP is a floating-point operation, a
 * multiply-add two of them; counted are matrix products, convolutions (as direct ones) and attention, by
 * phase (enum ltd_phase). */
struct ltd_cost {
    double text_flop;   /* of all rows of the prompts: the text encoder, and the U-Net's keys and values */
    double encode_flop; /* 0 unless there is an init_image */
    double step_flop;   /* of one model evaluation: a row for the prompt, or for each part of it, and with
                           guidance one more; on average, with its share of what is done for several of them */
    double decode_flop;
    int evaluations;      /* of the model: some samplers take more than one a step, img2img leaves some out */
    size_t scratch_bytes; /* that ltd_session_generate will reserve, in a session of so many threads; less
                             where the model remembers the prompts and the text encoder would take the most */
};

/* Tells the cost of each image of params, in less than a millisecond and without reserving anything.  threads
 * is as in ltd_session_new.  Safe on any thread.  Errors: LTD_EINVAL params that ltd_params_check refuses, or
 * that many threads; LTD_ETOOBIG a size that overflows; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_params_cost(const struct ltd_model *model,
                                             const struct ltd_gen_params *params, int threads,
                                             struct ltd_cost *out, struct ltd_error *err);

/* Measures for about `seconds` how many FLOP a second that many threads (as in ltd_session_new) do in kernels
 * like those of a U-Net, on weights that are at hand.  Errors: those of ltd_session_new. */
LTD_MUST_USE enum ltd_status ltd_probe_speed(int threads, double seconds, double *flop_per_second,
                                             struct ltd_error *err);

/* The machine's rate: how many FLOP a second that many threads do in large f32 matrix products, each its own
 * on OpenBLAS, measured for about `seconds`.  Errors: those of ltd_session_new. */
LTD_MUST_USE enum ltd_status ltd_sgemm_speed(int threads, double seconds, double *flop_per_second,
                                             struct ltd_error *err);

#endif
