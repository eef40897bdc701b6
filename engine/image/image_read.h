/*
 * image_read.h - what the readers of all file formats share: one function a format, and their bounds.
 */
#ifndef IMAGE_READ_H
#define IMAGE_READ_H

#include <latentd/image.h>

/* As ltd_image_decode, of a file that begins as this format does. */
LTD_MUST_USE enum ltd_status jpeg_decode(const void *data, size_t size, size_t max_pixels,
                                         struct ltd_image **out, struct ltd_error *err);
LTD_MUST_USE enum ltd_status webp_decode(const void *data, size_t size, size_t max_pixels,
                                         struct ltd_image **out, struct ltd_error *err);

/* LTD_ETOOBIG where a picture of this size is not taken, and says so. */
LTD_MUST_USE enum ltd_status image_check_size(uint64_t width, uint64_t height, size_t max_pixels,
                                              struct ltd_error *err);

/* Lays [pixels, 4] over white, in place: [pixels, 3] at the same address. */
void image_flatten(uint8_t *rgba, size_t pixels);

/* Makes an image of RGBA pixels, which it takes over; NULL without memory, and then they are the caller's
 * still. */
struct ltd_image *image_take_rgba(uint8_t *rgba, int width, int height);

#endif
