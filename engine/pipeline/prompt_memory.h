/*
 * prompt_memory.h - what a model's text encoder made of prompts lately.  The empty negative prompt is in
 * nearly every request, and a prompt comes back with another seed.
 *
 * What is remembered is what the encoder would make again to the last bit: it depends on the tokens and on
 * how many layers are left out, not on threads, numerics (there is no convolution in it) or precision (it is
 * f32).  So it never changes a picture.
 */
#ifndef PROMPT_MEMORY_H
#define PROMPT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/value_cache.h"
#include "tensor/tensor.h"

/* Of a model: at 77 tokens of 768 channels room for 70 prompts. */
#define PROMPT_MEMORY_BYTES ((size_t)16 << 20)

/* A chunk of a prompt: token ids [tokens], those for a second text encoder (NULL: there is none), and the
 * last layers of the encoders that are left out. */
struct prompt_row {
    const int32_t *ids, *ids_2;
    size_t tokens, skip;
};

/* Pins what the encoder made of it; NULL: it is not remembered, or there was no memory to look.  The caller
 * releases it. */
const struct cached_value *prompt_recall(struct value_cache *memory, const struct prompt_row *row);

/* encoded is what the encoders made of it, of any shape. */
void prompt_remember(struct value_cache *memory, const struct prompt_row *row, struct tensor encoded);

#endif
