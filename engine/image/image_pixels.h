/*
 * image_pixels.h - what is done to pictures pixel by pixel.
 */
#ifndef IMAGE_PIXELS_H
#define IMAGE_PIXELS_H

#include <latentd/image.h>

/* *out, which the caller frees, is image at another size, by the nearest pixel.  Errors: those of
 * ltd_image_new. */
LTD_MUST_USE enum ltd_status image_resize_nearest(const struct ltd_image *image, int width, int height,
                                                  struct ltd_image **out, struct ltd_error *err);

/* The middle of image, which is at least as large. */
LTD_MUST_USE enum ltd_status image_crop_middle(const struct ltd_image *image, int width, int height,
                                               struct ltd_image **out, struct ltd_error *err);

/* image += (other - image) * share, 0..1, of pictures of one size, rounded down as PIL's Image.blend. */
void image_blend(struct ltd_image *image, const struct ltd_image *other, double share);

#endif
