/*
 * image.h - 8-bit sRGB pictures and the file formats they travel in.
 */
#ifndef LATENTD_IMAGE_H
#define LATENTD_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

/* Rows top to bottom, pixels left to right: pixels[(y * width + x) * 3 + channel], [height, width, 3]. */
struct ltd_image {
    int width, height;
    uint8_t *pixels;
};

/* A text chunk of a PNG: keyword of 1..79 Latin-1 bytes; text is UTF-8 (written as iTXt where it is not
 * ASCII). */
struct ltd_png_text {
    const char *keyword;
    const char *text;
};

/* Bytes that the caller frees with free(). */
struct ltd_bytes {
    uint8_t *data;
    size_t size;
};

/* A zeroed image; the caller frees it with ltd_image_free.  Errors: LTD_EINVAL a side below 1 or above 65535,
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_image_new(int width, int height, struct ltd_image **out,
                                           struct ltd_error *err);
void ltd_image_free(struct ltd_image *image); /* NULL is fine */

/* Writes an 8-bit RGB PNG with the text chunks before the pixels.  Equal input gives equal bytes. */
LTD_MUST_USE enum ltd_status ltd_png_encode(const struct ltd_image *image, const struct ltd_png_text *texts,
                                            size_t text_count, struct ltd_bytes *out, struct ltd_error *err);

/* Reads an untrusted PNG of any colour type and depth; alpha is laid over white, 16 bits are rounded to 8,
 * ancillary chunks are skipped unread.  Nothing is allocated for a picture of more than max_pixels.
 * Errors: LTD_EFORMAT not a PNG or damaged, LTD_ETOOBIG, LTD_EUNSUPPORTED another format, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_png_decode(const void *data, size_t size, size_t max_pixels,
                                            struct ltd_image **out, struct ltd_error *err);

/* Reads an untrusted picture: a PNG as above; a JPEG, turned as its camera was held; a WebP that does not
 * move, laid over white.  Errors as above; also LTD_EUNSUPPORTED a JPEG of four colours, an animation. */
LTD_MUST_USE enum ltd_status ltd_image_decode(const void *data, size_t size, size_t max_pixels,
                                              struct ltd_image **out, struct ltd_error *err);

/* The texts of one PNG, in the order of the file; keywords too are UTF-8. */
struct ltd_png_texts {
    struct ltd_png_text *items; /* [count], owned with their strings */
    size_t count;
};

/* Reads the text chunks (tEXt, zTXt, iTXt) of an untrusted PNG; pixels are not looked at.  Latin-1 becomes
 * UTF-8; what an iTXt chunk calls UTF-8 is passed on unchecked; a zero byte ends a text.  The caller ends
 * *out with ltd_png_texts_fini. Errors: LTD_EFORMAT not a PNG, or damaged; LTD_ETOOBIG more than 64 texts, or
 * 1 MiB of them; LTD_EUNSUPPORTED another format; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_png_texts_read(const void *data, size_t size, struct ltd_png_texts *out,
                                                struct ltd_error *err);
void ltd_png_texts_fini(struct ltd_png_texts *texts); /* also of a zeroed struct */

/* Resizes as PIL's Image.resize((width, height), LANCZOS) does on RGB, to within one level. */
LTD_MUST_USE enum ltd_status ltd_image_resize(const struct ltd_image *image, int width, int height,
                                              struct ltd_image **out, struct ltd_error *err);

#endif
