/*
 * prompt.h - a prompt as a text encoder and a sampler take it: chunks of ids with weights, and which of them
 * count at which step.
 *
 * Two ways of reading (struct prompt_rules): plain, as a diffusers pipeline does it, where the text is one
 * chunk and the rest is cut; and AUTOMATIC1111's grammar, in this order: AND (prompt_parts.h), changes
 * (prompt_edit.h), weights and BREAK (prompt_pieces.h), long texts (prompt_chunks.h).
 */
#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenizer/prompt_chunks.h"
#include "tokenizer/prompt_parts.h"

enum {
    PROMPT_MAX_STEPS = 1 << 16,
    PROMPT_MAX_ENCODINGS = 256,     /* chunks of all texts of a prompt */
    PROMPT_MAX_TEXT_BYTES = 1 << 20 /* of them all */
};

struct prompt_rules {
    struct prompt_reader reader;
    bool grammar; /* AUTOMATIC1111's */
    bool joins;   /* AND, where there is grammar; a negative prompt has none */
    int steps;    /* that changes count by, 1..PROMPT_MAX_STEPS */
};

/* One of the texts that a part goes through. */
struct prompt_text {
    size_t first, chunks; /* in prompt.chunks */
    size_t turns;         /* that it has */
};

/* Up to which step, 1.., a text is drawn with. */
struct prompt_turn {
    int last;
    size_t text;
};

struct prompt_part {
    double weight;
    size_t first_text, texts; /* in prompt.text */
    size_t first_turn, turns; /* in prompt.turn, by rising step */
    size_t chunks;            /* of its longest text */
};

struct prompt {
    struct prompt_chunks chunks;
    struct prompt_text *text;
    size_t texts;
    struct prompt_turn *turn;
    size_t turns;
    struct prompt_part part[PROMPT_MAX_PARTS];
    size_t parts;       /* at least 1; without grammar, and without joins, 1 */
    size_t cut;         /* plain: tokens that found no room */
    bool break_is_word; /* a BREAK inside of brackets */
};

/* Reads text.  prompt_fini afterwards, also on failure.  Takes time and memory in proportion to the texts'
 * sizes, which are bounded.  Errors: LTD_EINVAL not UTF-8, or whatever the grammar's parts refuse, or too
 * much text in all; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status prompt_read(struct prompt *out, const struct prompt_rules *rules,
                                         const char *text, struct ltd_error *err);
void prompt_fini(struct prompt *prompt); /* also of a zeroed struct */

/* The text (in prompt.text) that a part is drawn with in the evaluation after `evaluation` others.  A text
 * counts for one evaluation more than its step says where it is the first one: the reference counts
 * evaluations from 0, and steps from 1. */
size_t prompt_text_at(const struct prompt *prompt, size_t part, int evaluation);

#endif
