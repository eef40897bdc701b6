/*
 * base64.h - RFC 4648 section 4: the standard alphabet, padded, no line breaks.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of the encoding of size bytes, without an end; SIZE_MAX when it does not fit in a size_t. */
size_t base64_encoded_size(size_t size);

/* Writes base64_encoded_size(size) characters to out, and no end. */
void base64_encode(char *out, const void *data, size_t size);
/* The same as a new string that the caller frees; NULL without memory. */
char *base64_encode_new(const void *data, size_t size);

/* The most bytes that length characters can stand for. */
size_t base64_decoded_bound(size_t length);

/* Decodes text[0..length) to out, which has room for base64_decoded_bound(length) bytes.  Strict: whole
 * groups of four, '=' only at the end, unused bits zero, no spaces and no '-' or '_'; false for all else.
 * *size is set only on success. */
bool base64_decode(const char *text, size_t length, uint8_t *out, size_t *size);

/* Where the base64 of a data URL begins.  For text that starts with "data:image/png;base64,", or jpeg, jpg or
 * webp instead of png, the byte after it; for any other data: URL NULL; for all else text itself. */
const char *base64_skip_data_url(const char *text);

#endif
