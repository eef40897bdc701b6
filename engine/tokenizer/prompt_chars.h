/*
 * prompt_chars.h - what the prompt grammar asks of characters, as Python's regular expressions answer it.
 *
 * All texts are valid UTF-8; a stretch is the bytes [begin, end) of one.
 */
#ifndef PROMPT_CHARS_H
#define PROMPT_CHARS_H

#include <stdbool.h>
#include <stddef.h>

/* The end of the white space that begins at `at`, and the begin of that which ends there. */
size_t prompt_after_spaces(const char *text, size_t at, size_t end);
size_t prompt_before_spaces(const char *text, size_t begin, size_t at);

/* Where `word` (ASCII) next stands alone in the stretch, at or after `at`: between other characters than
 * letters, digits and underscores, or at an end of the stretch.  `end` when it does not. */
size_t prompt_find_word(const char *text, size_t begin, size_t end, size_t at, const char *word);

/* Reads a whole stretch, digits with or without a dot among them and a sign before them, as a number,
 * infinite where it is too large.  No digit, dot or letter follows the stretch.  False, and *out untouched,
 * when it is none. */
bool prompt_number(const char *text, size_t begin, size_t end, double *out);

#endif
