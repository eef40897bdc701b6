/*
 * vocab.h - vocab.json: token strings to ids.
 *
 * Needed only while a tokenizer opens: encoding works on ids.  The file is one object whose n keys are the
 * tokens, in byte-level spelling, and whose values are the integers 0 to n - 1, each once.
 */
#ifndef VOCAB_H
#define VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/json.h>

enum { VOCAB_MAX_TOKENS = 1 << 20, VOCAB_MAX_TOKEN_SIZE = 1024 /* bytes */ };

struct vocab_token;

struct vocab {
    char *text; /* the tokens, end to end */
    struct vocab_token *token;
    uint32_t *slot; /* open addressing: index into token, or VOCAB_FREE */
    size_t slot_mask;
    int32_t count;
};

/* Errors: LTD_ENOTFOUND, LTD_EFORMAT, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status vocab_open(struct vocab *out, const char *path, struct ltd_error *err);
/* The same of an object that has been read. */
LTD_MUST_USE enum ltd_status vocab_read(struct vocab *out, const struct ltd_json *root, const char *path,
                                        struct ltd_error *err);
void vocab_close(struct vocab *vocab); /* also of a zeroed struct */

/* The id of size bytes at token; -1 when it is none. */
int32_t vocab_find(const struct vocab *vocab, const char *token, size_t size);

#endif
