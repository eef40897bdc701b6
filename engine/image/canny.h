/*
 * canny.h - the edges of a picture (Canny 1986), as OpenCV's Canny finds them.
 */
#ifndef CANNY_H
#define CANNY_H

#include <latentd/image.h>

/* White edges on black, of image's size: Sobel 3x3 without smoothing, |dx| + |dy| of the channel in which
 * that is largest, thinned; edges above `high`, and what is above `low` and hangs on them.  The caller frees
 * *out.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status canny_edges(const struct ltd_image *image, int low, int high,
                                         struct ltd_image **out, struct ltd_error *err);

#endif
