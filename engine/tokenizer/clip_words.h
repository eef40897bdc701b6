/*
 * clip_words.h - the vocabulary that CLIP was published with, and with it every Stable Diffusion 1, 2 and XL.
 *
 * clip_merges.txt is the part that OpenAI's CLIP uses of its bpe_simple_vocab_16e6.txt (Copyright (c) 2021
 * OpenAI, MIT licence: clip_merges.LICENSE; as is open_clip_torch 2.32.0, from which it was taken).  The
 * tokens follow from it.
 */
#ifndef CLIP_WORDS_H
#define CLIP_WORDS_H

#include <stddef.h>

#include <latentd/json.h>

#define CLIP_WORDS_COUNT 49408

/* A merge a line, as in merges.txt; built in. */
extern const unsigned char clip_merges[];
extern const size_t clip_merges_size;

/* What vocab.json would say of it: bytes, bytes that end a word, what the merges make, the two marks.  NULL
 * without memory. */
struct ltd_json *clip_words_vocab(void);

#endif
