/*
 * image_place.h - a picture in the middle of another size.
 */
#ifndef IMAGE_PLACE_H
#define IMAGE_PLACE_H

#include <latentd/image.h>

/* What is beyond the size is cut off; where the picture has nothing there is the median of its outermost
 * pixels, a channel at a time, as sd-webui-controlnet does it.  The caller frees *out.  Errors: LTD_EINVAL,
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status image_place(const struct ltd_image *image, int width, int height,
                                         struct ltd_image **out, struct ltd_error *err);

#endif
