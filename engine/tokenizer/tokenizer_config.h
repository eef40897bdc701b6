/*
 * tokenizer_config.h - the special and added tokens that a CLIP tokenizer's folder names.
 *
 * The files, in transformers' order of precedence: tokenizer_config.json; unless that has
 * `added_tokens_decoder`, special_tokens_map.json over it, and added_tokens.json.  Any of them may be absent.
 * A token is written as a string or as an object with `content` and flags.
 */
#ifndef TOKENIZER_CONFIG_H
#define TOKENIZER_CONFIG_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "tokenizer/added_tokens.h"

enum tokenizer_role { ROLE_BOS, ROLE_EOS, ROLE_UNK, ROLE_PAD, ROLE_COUNT };

struct tokenizer_config {
    struct added_list added;        /* all added and special tokens, without ids, in the order of adding */
    char *role_content[ROLE_COUNT]; /* owned; "<|startoftext|>" and "<|endoftext|>" when no file says */
    int max_length;
};

/* dir: NULL reads no file.  added: added_tokens of a tokenizer.json, which count where tokenizer_config.json
 * numbers none; NULL: there is no such file.  pad: what fills up, whatever the files say; NULL: they say.
 * Errors: LTD_EFORMAT; LTD_EUNSUPPORTED for settings that this tokenizer has not, such as padding on the
 * left; LTD_EIO; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status tokenizer_config_read(struct tokenizer_config *out, const char *dir,
                                                   const struct ltd_json *added, const char *pad,
                                                   struct ltd_error *err);
void tokenizer_config_fini(struct tokenizer_config *config); /* also of a zeroed struct */

#endif
