/*
 * prompt_pieces.h - emphasis: a text as pieces with weights, by AUTOMATIC1111's prompt grammar.
 *
 *   (text)       1.1 times the weight          \( \) \[ \] \\   the character itself
 *   (text:1.3)   1.3 times                     BREAK            a new chunk begins here
 *   [text]       1 / 1.1 times
 *
 * Brackets nest.  One that is never closed reaches to the end of the text; one that was never opened is a
 * character like any other, and so is a colon without a number and a bracket after it.  Inside of brackets,
 * BREAK is a word, since its own weight is changed there.
 */
#ifndef PROMPT_PIECES_H
#define PROMPT_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

enum { PROMPT_MAX_DEPTH = 64 /* brackets that are open at one place */ };

struct prompt_piece {
    size_t begin, end; /* in prompt_pieces.text; may be empty */
    double weight;
    bool is_break; /* stands for BREAK, and has no text to read */
};

struct prompt_pieces {
    char *text; /* without brackets and escapes */
    struct prompt_piece *piece;
    size_t count;
    bool break_is_word; /* there is a BREAK inside of brackets */
};

/* Splits text, valid UTF-8.  Neighbours of equal weight are one piece; there is at least one.
 * prompt_pieces_fini afterwards, also on failure.  Errors: LTD_EINVAL a weight that is no number, brackets
 * nested too deep; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status prompt_pieces_split(struct prompt_pieces *out, const char *text,
                                                 struct ltd_error *err);
void prompt_pieces_fini(struct prompt_pieces *pieces); /* also of a zeroed struct */

#endif
