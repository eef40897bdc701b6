/*
 * text_stack.h - a model's text encoders as one: what a chunk of a prompt comes to.
 *
 * Stable Diffusion 1 and 2 have one, and take its normed output.  XL (Podell et al. 2023) has two that read
 * the same words: what their layers before the last give stands side by side, not normed, and the second one
 * gives a pooled text as well.  XL's refiner has the second one alone.
 */
#ifndef TEXT_STACK_H
#define TEXT_STACK_H

#include "pipeline/model_parts.h"
#include "pipeline/prompt_memory.h"
#include "tensor/exec.h"

enum { TEXT_STACK_MAX = 2 };

/* Encoder i; NULL: there are no more. */
const struct clip_text *text_stack_at(const struct ltd_model *model, size_t i);

size_t text_stack_channels(const struct ltd_model *model);        /* of a context: of all encoders */
size_t text_stack_pooled_channels(const struct ltd_model *model); /* 0: the model takes no pooled text */

/* How many layers there are to leave out, and one more: of the encoder that has the fewest. */
size_t text_stack_layers(const struct ltd_model *model);
/* Ids that an encoder reads at once, and that every one of them knows. */
size_t text_stack_positions(const struct ltd_model *model);
size_t text_stack_vocab(const struct ltd_model *model);

/* y [1, tokens, 1, channels] and pooled [1, 1, 1, pooled_channels] of a chunk. */
void text_stack_forward(const struct ltd_model *model, struct exec *e, struct tensor y, struct tensor pooled,
                        const struct prompt_row *row);

/* The encoders' weights leave the process's memory until the next prompt: of XL they are a fifth of all. */
void text_stack_give_back(const struct ltd_model *model);

#endif
