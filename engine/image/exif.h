/*
 * exif.h - what of an Exif block (a TIFF structure: JEITA CP-3451) is read and written: which way up the
 * camera was held, and the comment in which AUTOMATIC1111 and others keep a picture's settings.
 */
#ifndef EXIF_H
#define EXIF_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/image.h>

/* Bytes of a block without the comment's text. */
enum { EXIF_FRAME = 52 };

/* 1 to 8, as tag 0x0112 has it; 1 where an untrusted block tells none. */
unsigned exif_orientation(const uint8_t *tiff, size_t size);

/* The bytes of the block that exif_write makes of text. */
size_t exif_size(const char *text);

/* Writes exif_size(text) bytes: a big-endian block of the UserComment alone, in UTF-16.  Bytes of text that
 * are no UTF-8 become U+FFFD. */
void exif_write(const char *text, uint8_t *out);

/* The UserComment of an untrusted block as UTF-8, to free with free(); NULL in *out where it has none.  Of
 * UTF-16 the byte order is the mark's, else that in which more of the high bytes are zero: some programs
 * write it in the block's order and some always in the big-endian one.  Errors: LTD_ETOOBIG more than 2 MiB,
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status exif_comment(const uint8_t *tiff, size_t size, char **out,
                                          struct ltd_error *err);

#endif
