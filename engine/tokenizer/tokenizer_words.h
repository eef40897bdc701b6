/*
 * tokenizer_words.h - where a tokenizer's vocabulary and merges come from.
 */
#ifndef TOKENIZER_WORDS_H
#define TOKENIZER_WORDS_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "base/mapped_file.h"
#include "tokenizer/vocab.h"

struct tokenizer_words {
    struct vocab vocab;
    const void *merges; /* as in merges.txt */
    size_t merges_size;
    char *merges_name;            /* for messages */
    const struct ltd_json *added; /* added_tokens of a tokenizer.json; NULL: there is none */
    struct mapped_file map;       /* what the others lie in */
    struct ltd_json *root;
    char *lines;
};

/* dir/vocab.json and dir/merges.txt, or else what the tokenizers library writes, dir/tokenizer.json.  Errors:
 * LTD_ENOTFOUND, LTD_EFORMAT, LTD_EUNSUPPORTED a tokenizer.json that is not CLIP's kind, LTD_EIO, LTD_ENOMEM.
 */
LTD_MUST_USE enum ltd_status tokenizer_words_open(struct tokenizer_words *out, const char *dir,
                                                  struct ltd_error *err);
/* CLIP's own.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status tokenizer_words_builtin(struct tokenizer_words *out, struct ltd_error *err);
void tokenizer_words_close(struct tokenizer_words *words); /* also of a zeroed struct, and after an error */

#endif
