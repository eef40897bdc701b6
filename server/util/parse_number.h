/*
 * parse_number.h - text to number, whole text or nothing.
 *
 * No leading or trailing bytes, no hexadecimal, no clamping: each returns false, and leaves *out alone, when
 * the text is not exactly one number of the type.
 */
#ifndef PARSE_NUMBER_H
#define PARSE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool parse_int64(const char *text, int64_t *out);
bool parse_uint64(const char *text, uint64_t *out); /* no sign */
bool parse_real(const char *text, double *out);     /* finite; decimal, with or without an exponent */
bool parse_size(const char *text, size_t *out); /* bytes; an integer, with KiB, MiB or GiB after it or not */

#endif
