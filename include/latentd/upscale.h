/*
 * upscale.h - pictures made larger, by networks of a folder or by resampling.
 */
#ifndef LATENTD_UPSCALE_H
#define LATENTD_UPSCALE_H

#include <stddef.h>

#include <latentd/cost.h>
#include <latentd/error.h>
#include <latentd/image.h>
#include <latentd/params.h>
#include <latentd/session.h>

/* Read-only once it is open, and shared by all threads; what they use of it at the moment is under a lock of
 * its own. */
struct ltd_upscalers;

/* What a file of the folder came to, or what is built in.  Strings live as long as the upscalers. */
struct ltd_upscaler_info {
    const char *name; /* that requests call it by: the file's without its ending; "lanczos", "nearest" */
    const char *architecture; /* "esrgan", "compact"; "resample": no network; NULL: refused */
    int factor;               /* by which the network enlarges; 0: there is no network, or it is refused */
    const char *refused;      /* why it is no use; NULL: it is */
};

/* Looks at the networks of a folder and of those in it (*.safetensors: ESRGAN and Real-ESRGAN), whose values
 * are read when a job needs them.  What is malformed or no upscaler is refused by itself; so are pickles
 * (*.pth), which are never read.  dir NULL: none but what is built in, which comes first.  Errors:
 * LTD_ENOTFOUND, LTD_EIO the folder cannot be read; LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_upscalers_open(const char *dir, struct ltd_upscalers **out,
                                                struct ltd_error *err);
void ltd_upscalers_close(struct ltd_upscalers *upscalers);         /* NULL is fine; no job may use one */
size_t ltd_upscalers_count(const struct ltd_upscalers *upscalers); /* NULL, here and below: there are none */
struct ltd_upscaler_info ltd_upscalers_at(const struct ltd_upscalers *upscalers, size_t i);

/* Of what requests ask for at most. */
#define LTD_MAX_UPSCALE 8.0

/* A picture that is to be made larger.  Strings and the image are borrowed for the length of a call.  The
 * network is run once, and again, up to three times in all, as long as its picture is smaller than asked;
 * then the picture is resized by Lanczos, as AUTOMATIC1111 has it. */
struct ltd_upscale_params {
    const struct ltd_image *image;
    const char *upscaler; /* a name */
    const char
        *upscaler_2;     /* the same of what makes a second picture, laid over the first; NULL: none does */
    double visibility_2; /* its share, 0..1 */
    int width, height;   /* of the result, before it is cut */
    double scale;        /* for the settings: that was asked for; 0: a size was */
    int crop_width, crop_height; /* the middle that is kept of it; 0: all */
    enum ltd_numerics numerics;
};

/* Errors: LTD_EINVAL a name that is not known, or of what is refused, a share that is no share, a size;
 * LTD_ETOOBIG a picture on the way would have a side above 65535. */
LTD_MUST_USE enum ltd_status ltd_upscale_check(const struct ltd_upscalers *upscalers,
                                               const struct ltd_upscale_params *params,
                                               struct ltd_error *err);

/* Pixels of the largest picture on the way; params must have passed ltd_upscale_check. */
size_t ltd_upscale_pixels(const struct ltd_upscalers *upscalers, const struct ltd_upscale_params *params);

/* What it takes: evaluations are tiles of the picture, step_flop one's on average.  Errors:
 * ltd_upscale_check's, LTD_EINVAL threads, LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_upscale_cost(const struct ltd_upscalers *upscalers,
                                              const struct ltd_upscale_params *params, int threads,
                                              struct ltd_cost *out, struct ltd_error *err);

/* Makes the picture, which the caller frees.  session: of any model, or of none; NULL where no network is
 * named.  The watch is told of LTD_PHASE_SAMPLE, which counts tiles.  Equal params give equal pixels on one
 * build and instruction-set level, whatever the number of threads.  watch and report may be NULL.  Errors:
 * ltd_upscale_check's, those of opening the file, LTD_ETOOBIG, LTD_ENOMEM, LTD_ECANCELED, LTD_ENONFINITE. */
LTD_MUST_USE enum ltd_status ltd_session_upscale(const struct ltd_session *session,
                                                 const struct ltd_upscalers *upscalers,
                                                 const struct ltd_upscale_params *params,
                                                 const struct ltd_watch *watch, struct ltd_image **out,
                                                 struct ltd_gen_report *report, struct ltd_error *err);

/* The words of a picture's settings for it, in AUTOMATIC1111's form: behind `before`, the settings that the
 * picture has had (NULL: none), which the caller keeps.  The caller frees it; NULL without memory. */
char *ltd_upscale_text(const struct ltd_upscale_params *params, const char *before);

#endif
