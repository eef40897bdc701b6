/*
 * lora_tags.h - AUTOMATIC1111's way to name adapters: <lora:NAME:WEIGHT> in a prompt.
 *
 * With two weights, <lora:NAME:TEXT_WEIGHT:WEIGHT>; also by name, te=0.5 and unet=0.8 (its
 * extensions-builtin/Lora).
 */
#ifndef LORA_TAGS_H
#define LORA_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/json.h>

/* Takes the tags out of the text, and appends what each means to `loras`, as the field of a request has it:
 * all of them, or with `last` the last so many.  False: a tag is not of that form, and is copied, cut, to
 * wrong; text and loras are then of no use. */
enum { LORA_TAG_WRONG_SIZE = 72 };
bool lora_tags_take(char *text, size_t last, struct ltd_json *loras, char wrong[LORA_TAG_WRONG_SIZE]);
#define LORA_TAGS_ALL ((size_t)-1)

#endif
