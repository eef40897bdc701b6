/*
 * image.h - 8-bit sRGB pictures and the file formats they travel in.
 */
#ifndef LATENTD_IMAGE_H
#define LATENTD_IMAGE_H

#include <stdbool.h>
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

/* The file formats that pictures are written in. */
enum ltd_picture_format { LTD_PICTURE_PNG, LTD_PICTURE_JPEG, LTD_PICTURE_WEBP, LTD_PICTURE_FORMAT_COUNT };

const char *ltd_picture_format_name(enum ltd_picture_format format);   /* "png", "jpeg", "webp"; static */
const char *ltd_picture_format_media(enum ltd_picture_format format);  /* "image/png", ...; static */
const char *ltd_picture_format_ending(enum ltd_picture_format format); /* "png", "jpg", "webp"; static */
int ltd_picture_format_find(const char *name); /* by name, or "jpg"; -1: none has it */

enum { LTD_PICTURE_QUALITY = 90, LTD_PICTURE_MAX_QUALITY = 100 };

/* How a picture is written.  A zeroed one is a PNG. */
struct ltd_picture_form {
    enum ltd_picture_format format;
    int quality; /* 0..LTD_PICTURE_MAX_QUALITY, of a JPEG and a lossy WebP, on their libraries' scales (a JPEG
                  * of 0 is one of 1) */
    bool lossless; /* of a WebP */
};

/* Whether a picture of this size, with these settings in it (NULL: none), can be a file of that format: a
 * JPEG has room for 64 KiB of settings as UTF-16, and the sides of a WebP are at most 16383.  Errors:
 * LTD_ETOOBIG, with what to do instead. */
LTD_MUST_USE enum ltd_status ltd_picture_check(enum ltd_picture_format format, int width, int height,
                                               const char *parameters, struct ltd_error *err);

/* Writes a picture with its settings (NULL: none) in it: in a PNG as the text "parameters", in a JPEG and a
 * WebP as the Exif UserComment, where AUTOMATIC1111 has them.  A record (NULL: none) stands in a PNG alone,
 * as the text "latentd".  Equal input gives equal bytes.  Errors: ltd_picture_check's, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_picture_encode(const struct ltd_image *image,
                                                const struct ltd_picture_form *form, const char *parameters,
                                                const char *record, struct ltd_bytes *out,
                                                struct ltd_error *err);

/* Reads an untrusted PNG of any colour type and depth; alpha is laid over white, 16 bits are rounded to 8,
 * ancillary chunks are skipped unread.  Nothing is allocated for a picture of more than max_pixels.
 * Errors: LTD_EFORMAT not a PNG or damaged, LTD_ETOOBIG, LTD_EUNSUPPORTED another format, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_png_decode(const void *data, size_t size, size_t max_pixels,
                                            struct ltd_image **out, struct ltd_error *err);

/* Reads an untrusted picture: a PNG as above; a JPEG, turned as its camera was held; a WebP that does not
 * move, laid over white.  Errors as above; also LTD_EUNSUPPORTED a JPEG of four colours, an animation. */
LTD_MUST_USE enum ltd_status ltd_image_decode(const void *data, size_t size, size_t max_pixels,
                                              struct ltd_image **out, struct ltd_error *err);

/* What of a mask is drawn anew: what is white (alpha is laid over white); what is transparent; or, as
 * AUTOMATIC1111 reads masks, what is more than half opaque where anything is not wholly so, else what is
 * white. */
enum ltd_mask_source { LTD_MASK_WHITE, LTD_MASK_TRANSPARENT, LTD_MASK_OPAQUE, LTD_MASK_SOURCE_COUNT };
const char *ltd_mask_source_name(enum ltd_mask_source source); /* "white", ...; static storage */

/* Reads an untrusted picture as a mask, in which white is drawn anew.  Errors: as ltd_image_decode's. */
LTD_MUST_USE enum ltd_status ltd_mask_decode(const void *data, size_t size, size_t max_pixels,
                                             enum ltd_mask_source source, struct ltd_image **out,
                                             struct ltd_error *err);

/* The texts of one picture, in the order of the file; keywords too are UTF-8. */
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

/* The same of a PNG, a JPEG or a WebP: of the last two the Exif UserComment, by the keyword "parameters", and
 * with its unpaired surrogates, or bytes that are no UTF-8, replaced by U+FFFD.  *width and *height are what
 * the file says of itself.  Errors: as above, for all three. */
LTD_MUST_USE enum ltd_status ltd_picture_texts_read(const void *data, size_t size, int *width, int *height,
                                                    struct ltd_png_texts *out, struct ltd_error *err);

/* Resizes as PIL's Image.resize((width, height), LANCZOS) does on RGB, to within one level. */
LTD_MUST_USE enum ltd_status ltd_image_resize(const struct ltd_image *image, int width, int height,
                                              struct ltd_image **out, struct ltd_error *err);

#endif
