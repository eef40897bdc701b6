/*
 * request_outpaint.h - outpainting: a picture continued beyond its edges, as inpainting of what is laid
 * around it.
 */
#ifndef REQUEST_OUTPAINT_H
#define REQUEST_OUTPAINT_H

#include <latentd/image.h>

#include "store/job_request.h"

/* Puts a larger picture in the place of *image, in which its edges' pixels go on outwards, and makes the mask
 * of what is new, white, which the caller frees.  Errors: LTD_EINVAL no side grows; LTD_ETOOBIG more than
 * max_pixels; LTD_ENOMEM. Nothing has changed then. */
LTD_MUST_USE enum ltd_status request_outpaint(struct ltd_image **image, struct ltd_image **mask,
                                              const struct outpaint *sides, size_t max_pixels,
                                              struct ltd_error *err);

#endif
