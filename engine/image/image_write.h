/*
 * image_write.h - what of JPEG and WebP picture.c needs: one function a format.
 */
#ifndef IMAGE_WRITE_H
#define IMAGE_WRITE_H

#include <latentd/image.h>

/* As ltd_picture_check; comment may be NULL. */
LTD_MUST_USE enum ltd_status jpeg_check(int width, int height, const char *comment, struct ltd_error *err);
LTD_MUST_USE enum ltd_status webp_check(int width, int height, struct ltd_error *err);

/* As ltd_picture_encode, of what has passed the check. */
LTD_MUST_USE enum ltd_status jpeg_encode(const struct ltd_image *image, int quality, const char *comment,
                                         struct ltd_bytes *out, struct ltd_error *err);
LTD_MUST_USE enum ltd_status webp_encode(const struct ltd_image *image, const struct ltd_picture_form *form,
                                         const char *comment, struct ltd_bytes *out, struct ltd_error *err);

/* The size of an untrusted file, and its Exif UserComment, to free with free(); NULL: it has none. */
LTD_MUST_USE enum ltd_status jpeg_texts(const void *data, size_t size, int *width, int *height,
                                        char **comment, struct ltd_error *err);
LTD_MUST_USE enum ltd_status webp_texts(const void *data, size_t size, int *width, int *height,
                                        char **comment, struct ltd_error *err);

#endif
