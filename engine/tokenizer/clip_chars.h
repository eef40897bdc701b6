/*
 * clip_chars.h - what CLIP's tokenizer asks of Unicode: valid UTF-8, classes of code points, normal form.
 *
 * clip_chars.c is the tree's only user of libutf8proc, whose Unicode version is the distribution's (Debian
 * 12: 14; Debian 13: 15 or later).  The reference (Python's tokenizers 0.23) has three versions of its own:
 * NFC of Unicode 9, classes of 16, lower case of 17.  clip_chars.def holds the differences, so that the ids
 * are equal whatever the library's age up to Unicode 16; letters of 17 that a newer library knows would be
 * letters here and not there.
 */
#ifndef CLIP_CHARS_H
#define CLIP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

enum char_class {
    CHAR_SPACE,  /* \s: Unicode's White_Space */
    CHAR_LETTER, /* \p{L} */
    CHAR_NUMBER, /* \p{N} */
    CHAR_OTHER
};

bool clip_utf8_valid(const uint8_t *text, size_t size);

/* The code point at text, which is valid UTF-8 of size > 0 bytes; returns its length in bytes. */
size_t clip_char_next(const uint8_t *text, size_t size, int32_t *code_point);
/* The code point that ends at text + size; returns its length in bytes. */
size_t clip_char_last(const uint8_t *text, size_t size, int32_t *code_point);

enum char_class clip_char_class(int32_t code_point);
/* \w as Rust's regex crate reads it: Alphabetic, marks, decimal digits, connectors, the two joiners. */
bool clip_char_in_word(int32_t code_point);

/* A growing buffer that one thread uses for text after text; start with {0}. */
struct clip_normal {
    uint8_t *bytes; /* [size], valid UTF-8; NULL before the first text */
    size_t size;
    int32_t *code_points; /* scratch: canonical decomposition, then composition */
    size_t room;          /* code points that both buffers have room for */
};

/* normal->bytes = text (valid UTF-8) in NFC, each run of white space one space, then in lower case, each code
 * point for itself (no final sigma).  O(size), also for one endless run of combining marks.  Errors:
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_normal_set(struct clip_normal *normal, const uint8_t *text, size_t size,
                                             struct ltd_error *err);
void clip_normal_fini(struct clip_normal *normal);

#endif
