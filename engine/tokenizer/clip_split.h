/*
 * clip_split.h - normal text into the words that BPE takes one by one.
 *
 * CLIP's pattern, the first alternative that fits at each place:
 *   <|startoftext|> | <|endoftext|> | 's | 't | 're | 've | 'm | 'll | 'd | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+
 * The reference then splits by GPT-2's pattern as well, which changes the first two alone: to "<|", the name
 * and "|>".
 */
#ifndef CLIP_SPLIT_H
#define CLIP_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clip_split {
    const uint8_t *text; /* valid UTF-8 in lower case */
    size_t size;
    size_t at;       /* bytes done */
    size_t mark_end; /* within a <|...|> up to there */
};

void clip_split_init(struct clip_split *split, const uint8_t *text, size_t size);
/* The next word, at least one byte; false at the end. */
bool clip_split_next(struct clip_split *split, const uint8_t **word, size_t *size);

#endif
