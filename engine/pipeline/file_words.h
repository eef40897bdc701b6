/*
 * file_words.h - the vocabulary of a model in one file, which holds none.
 */
#ifndef FILE_WORDS_H
#define FILE_WORDS_H

#include "pipeline/model_parts.h"
#include "weights/compvis.h"

/* Opens the tokenizers of a model of this family, whose text encoders are open, and notes in model->words
 * where they come from: the folder tokenizer/ beside the file, else vocab.json and merges.txt, or
 * tokenizer.json, beside it, else CLIP's own vocabulary, which is built in, for a text encoder of as many
 * tokens.  XL's second text encoder, which is its refiner's, has tokenizer_2/ or else the same with "!" to
 * fill up with.  Errors: LTD_ENOTFOUND there is none; those of clip_tokenizer_open. */
LTD_MUST_USE enum ltd_status file_words_open(struct ltd_model *model, const char *path,
                                             enum compvis_family family, struct ltd_error *err);

#endif
