/*
 * image_read.h - what the readers of all file formats share: one function a format, and their bounds.
 */
#ifndef IMAGE_READ_H
#define IMAGE_READ_H

#include <latentd/image.h>

/* Makes RGB of RGBA, in place: [pixels, 4] to [pixels, 3] at the same address. */
typedef void image_flatten_fn(uint8_t *rgba, size_t pixels);

/* As ltd_image_decode, of a file that begins as this format does. */
LTD_MUST_USE enum ltd_status jpeg_decode(const void *data, size_t size, size_t max_pixels,
                                         struct ltd_image **out, struct ltd_error *err);
LTD_MUST_USE enum ltd_status webp_decode(const void *data, size_t size, size_t max_pixels,
                                         image_flatten_fn *flatten, struct ltd_image **out,
                                         struct ltd_error *err);
LTD_MUST_USE enum ltd_status png_decode(const void *data, size_t size, size_t max_pixels,
                                        image_flatten_fn *flatten, struct ltd_image **out,
                                        struct ltd_error *err);

/* LTD_ETOOBIG where a picture of this size is not taken, and says so. */
LTD_MUST_USE enum ltd_status image_check_size(uint64_t width, uint64_t height, size_t max_pixels,
                                              struct ltd_error *err);

/* Lays the pixels over white. */
image_flatten_fn image_flatten;

/* Makes an image of RGBA pixels, which it takes over; NULL without memory, and then they are the caller's
 * still. */
struct ltd_image *image_take_rgba(uint8_t *rgba, int width, int height, image_flatten_fn *flatten);

#endif
