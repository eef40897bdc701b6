/*
 * session.h - one thread's means of running a model.
 *
 * Threads share a ltd_model freely: what it is made of never changes after opening, and what it remembers
 * (the text encoder's word on the last prompts, up to 16 MiB) is under a lock of its own and never changes a
 * picture. A ltd_session owns the scratch memory and the compute threads of one generation at a time: give
 * each worker its own.
 */
#ifndef LATENTD_SESSION_H
#define LATENTD_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/image.h>
#include <latentd/model.h>
#include <latentd/params.h>
#include <latentd/timings.h>

struct ltd_session;

enum ltd_phase { LTD_PHASE_TEXT, LTD_PHASE_ENCODE, LTD_PHASE_SAMPLE, LTD_PHASE_DECODE };
const char *ltd_phase_name(enum ltd_phase phase); /* "text", "encode", "sample", "decode" */

/* Called on the generating thread when a phase begins (done 0) and after each sampler step; total counts the
 * model evaluations of this image in LTD_PHASE_SAMPLE, and is 1 in the others.  Must not call back into the
 * session. */
typedef void ltd_progress_fn(void *arg, enum ltd_phase phase, int done, int total);

/* Called on the generating thread after a sampler step, before its progress: what the picture is about to
 * become, one pixel for each latent pixel, after `done` model evaluations.  The picture is the callee's for
 * the length of the call.  Must not call back into the session. */
typedef void ltd_preview_fn(void *arg, const struct ltd_image *picture, int done);

struct ltd_watch {
    ltd_progress_fn *progress; /* NULL: nobody watches */
    void *arg;
    const atomic_bool *cancel; /* NULL: cannot be cancelled; once true, generate returns LTD_ECANCELED soon */
    ltd_preview_fn *preview;   /* NULL: no previews */
    const atomic_bool *wants_preview; /* previews are made while this is true; NULL: never */
    struct ltd_timings *timings; /* NULL: not wanted, and costs nothing; else every loop's time is added.  The
                                    progress function may read and empty it */
};

/* Measured while making one image. */
struct ltd_gen_report {
    double text_s, encode_s, sample_s, decode_s;
    size_t planned_bytes; /* of scratch, from the dry run before the first allocation */
    size_t used_bytes;    /* of scratch, at most, while running; equal to planned_bytes */
    int recalled;         /* chunks of the prompts that the model remembered; text_s is shorter by them */
};

/* Starts threads - 1 compute threads (threads 1..LTD_MAX_THREADS; 0: one for each processor
 * that this process may use).  Borrows model, which must
 * outlive the session, unless it is given another one; NULL: it is given one later, or serves
 * ltd_session_upscale alone.  Errors: LTD_EINVAL,
 * LTD_EUNSUPPORTED an OpenBLAS built with OpenMP, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_session_new(const struct ltd_model *model, int threads,
                                             struct ltd_session **out, struct ltd_error *err);
/* Draws with this model from now on, and has nothing to do with the one before any more.  Not while it
 * generates. */
void ltd_session_set_model(struct ltd_session *session, const struct ltd_model *model);
void ltd_session_free(struct ltd_session *session); /* NULL is fine; not while it generates */

/* Makes image `index` (0 <= index < params->count) of a request: its seed is ltd_params_seed; its size
 * that of ltd_params_final_size, or with inpaint_full_res the init image's.  The caller frees *out.  Equal
 * params and index give equal pixels on one build and instruction-set level, whatever the number of threads.
 * report may be NULL, and is untouched on failure.  Errors: LTD_EINVAL (a session without a model that was
 * opened by ltd_model_open, too), LTD_ETOOBIG, LTD_ENOMEM, LTD_ECANCELED, LTD_ENONFINITE.  The session stays
 * usable after each of them. */
LTD_MUST_USE enum ltd_status ltd_session_generate(struct ltd_session *session,
                                                  const struct ltd_gen_params *params, int index,
                                                  const struct ltd_watch *watch, struct ltd_image **out,
                                                  struct ltd_gen_report *report, struct ltd_error *err);

/* What the settings of a picture call its model. */
struct ltd_model_label {
    const char *name; /* NULL: nothing */
    const char
        *sha256; /* the digits of its digest, of which they have the first ten; NULL: it is not known */
};

/* The A1111 form of the settings ("prompt\nNegative prompt: ...\nSteps: 20, Sampler: ..."), for
 * ltd_picture_encode; form, where it is not a PNG, stands among them.  The caller frees it; NULL without
 * memory. */
char *ltd_params_text(const struct ltd_model *model, const struct ltd_gen_params *params, int index,
                      const struct ltd_picture_form *form, struct ltd_model_label label);

/* The instruction-set level the kernels run at ("avx512bf16", "avx512", "avx2", "generic").  It, the build
 * and the numerics of the request decide the bits of a picture; all are recorded with it. */
const char *ltd_isa_name(void);

/* What this engine was built by, and the C library that it runs with, whose functions have their own
 * roundings: "gcc 12.2.0 -O3 glibc 2.36". */
enum { LTD_BUILD_TEXT_SIZE = 128 };
void ltd_build_text(char text[LTD_BUILD_TEXT_SIZE]);

#endif
