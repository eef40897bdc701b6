/*
 * image_resize.h - resampling by either of two kernels.
 */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include <latentd/image.h>

enum resample { RESAMPLE_LANCZOS, RESAMPLE_CUBIC };

/* Resizes as PIL's Image.resize((width, height), LANCZOS or BICUBIC) does on RGB, to within one level.
 * Errors: LTD_EINVAL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status image_resize(const struct ltd_image *image, int width, int height,
                                          enum resample resample, struct ltd_image **out,
                                          struct ltd_error *err);

/* A picture of its own.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status image_copy(const struct ltd_image *image, struct ltd_image **out,
                                        struct ltd_error *err);

#endif
