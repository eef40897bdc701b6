/*
 * clip_tokenizer.h - text to the token ids of a CLIP text encoder.
 *
 * Gives the ids of transformers' CLIPTokenizerFast, which is what diffusers pipelines load: NFC, white space
 * collapsed, lower case, CLIP's split pattern, byte-level BPE with </w>, special tokens recognised in the
 * text.
 */
#ifndef CLIP_TOKENIZER_H
#define CLIP_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

struct clip_tokenizer;

/* Reads dir/vocab.json, dir/merges.txt, and, where they are, dir/tokenizer_config.json,
 * dir/special_tokens_map.json and dir/added_tokens.json (special and added tokens, padding, length), as
 * transformers 5 does; vocabulary and merges, and added tokens, are tokenizer.json's where there is no
 * vocab.json.  Errors: LTD_ENOTFOUND, LTD_EFORMAT, LTD_EUNSUPPORTED a setting that this tokenizer has not
 * (padding on the left), LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_tokenizer_open(const char *dir, struct clip_tokenizer **out,
                                                 struct ltd_error *err);
/* The same with `pad` to fill up with, whatever the files say. */
LTD_MUST_USE enum ltd_status clip_tokenizer_open_padded(const char *dir, const char *pad,
                                                        struct clip_tokenizer **out, struct ltd_error *err);
/* CLIP's own vocabulary (clip_words.h), with 77 tokens a text.  pad: what fills up; NULL: the end mark. */
LTD_MUST_USE enum ltd_status clip_tokenizer_open_builtin(const char *pad, struct clip_tokenizer **out,
                                                         struct ltd_error *err);
void clip_tokenizer_close(struct clip_tokenizer *tokenizer); /* NULL is fine */

/* With the added tokens that vocab.json lacks. */
int clip_tokenizer_vocab_size(const struct clip_tokenizer *tokenizer);
int clip_tokenizer_max_length(
    const struct clip_tokenizer *tokenizer); /* model_max_length; 77 when absent or absurd */
/* Ids of the start mark, the end mark, padding, and of a comma that ends a word (-1: the vocabulary has
 * none). */
int clip_tokenizer_bos(const struct clip_tokenizer *tokenizer);
int clip_tokenizer_eos(const struct clip_tokenizer *tokenizer);
int clip_tokenizer_pad(const struct clip_tokenizer *tokenizer);
int clip_tokenizer_comma(const struct clip_tokenizer *tokenizer);

/* Writes exactly length ids: start mark, the prompt's tokens cut to length - 2, end mark, padding.  text is
 * valid UTF-8 of size bytes.  *cut (may be NULL): tokens that did not fit.  Read-only on the tokenizer: any
 * thread. Takes O(n log n) time in the text's size whatever its content.  Errors: LTD_EINVAL not UTF-8,
 * or a length below 2; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_tokenizer_encode(const struct clip_tokenizer *tokenizer, const char *text,
                                                   size_t size, int32_t *ids, int length, size_t *cut,
                                                   struct ltd_error *err);

/* The tokens of text alone, without marks and padding: *count of them, of which the first ones go into ids as
 * far as there is room.  Everything else as clip_tokenizer_encode.  Errors: LTD_EINVAL not UTF-8; LTD_ENOMEM.
 */
LTD_MUST_USE enum ltd_status clip_tokenizer_words(const struct clip_tokenizer *tokenizer, const char *text,
                                                  size_t size, int32_t *ids, size_t room, size_t *count,
                                                  struct ltd_error *err);

#endif
