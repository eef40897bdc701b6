/*
 * prompt_chunks.h - texts as chunks: what the text encoder reads at a time.
 *
 * A chunk is a start mark, tokens, an end mark and padding, `length` ids in all, each with a weight.  A text
 * that is too long for one fills several, in AUTOMATIC1111's way: one that would end within the last 20
 * tokens after a comma ends at that comma, and an embedding's vectors stay together.
 */
#ifndef PROMPT_CHUNKS_H
#define PROMPT_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "tokenizer/clip_tokenizer.h"
#include "tokenizer/prompt_names.h"
#include "tokenizer/prompt_pieces.h"

enum { PROMPT_MAX_CHUNKS = 32 /* of one text */ };

/* What is needed to read prompts; all borrowed. */
struct prompt_reader {
    const struct clip_tokenizer *tokenizer;
    const struct prompt_names *names;
    size_t length; /* ids of a chunk, at least 3 */
};

struct prompt_chunks {
    int32_t *ids;   /* [count, length]; at and above the vocabulary's size, vectors of embeddings */
    float *weights; /* [count, length] */
    size_t count, room;
    const struct prompt_name *unusable; /* a name that was met, but has no vectors; NULL: none */
};

/* Appends the chunks of a text, at least one.  Errors: LTD_EINVAL it is too long, or not UTF-8; LTD_ENOMEM.
 */
LTD_MUST_USE enum ltd_status prompt_chunks_add(struct prompt_chunks *chunks,
                                               const struct prompt_reader *reader,
                                               const struct prompt_pieces *pieces, struct ltd_error *err);

/* Appends one chunk with what fits of text; *cut tokens do not.  Errors: as above. */
LTD_MUST_USE enum ltd_status prompt_chunks_add_cut(struct prompt_chunks *chunks,
                                                   const struct prompt_reader *reader, const char *text,
                                                   size_t *cut, struct ltd_error *err);
void prompt_chunks_fini(struct prompt_chunks *chunks); /* also of a zeroed struct */

#endif
