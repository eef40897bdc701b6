/*
 * bpe.h - byte-pair encoding of one word at a time (Sennrich, Haddow and Birch 2016), byte-level as in GPT-2.
 *
 * A word's bytes become the vocabulary's one-byte symbols, the last one with CLIP's end-of-word mark; then,
 * while any two neighbours have a merge, the merge of lowest rank is done, the leftmost first.
 */
#ifndef BPE_H
#define BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "tokenizer/vocab.h"

struct bpe;

enum { BPE_MAX_MERGES = 1 << 20 };

/* Reads the text of a merges.txt, called `name` in messages: a merge a line, by rank, "left right"; lines
 * that begin with "#version" are skipped. Refuses, with the file's and the line's name, whatever is not two
 * pieces, whose pieces or whose whole is no token of the vocabulary, and what stands there twice; so every
 * merge makes a longer token and encoding ends. unknown: the id for a byte that has no symbol; -1 refuses a
 * vocabulary that lacks one. Errors: LTD_EFORMAT, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status bpe_read(const void *text, size_t size, const char *name,
                                      const struct vocab *vocab, int32_t unknown, struct bpe **out,
                                      struct ltd_error *err);
void bpe_close(struct bpe *bpe); /* NULL is fine */

/* One thread's memory, kept from word to word; start with {0}. */
struct bpe_scratch {
    struct bpe_symbol *symbol;
    uint64_t *heap; /* rank and place of a possible merge, lowest first */
    size_t heap_size;
    size_t room;  /* symbols */
    int32_t *ids; /* the encoded word */
};
void bpe_scratch_fini(struct bpe_scratch *scratch);

/* Encodes size > 0 bytes to scratch->ids, *count of them.  O(size log size).  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status bpe_encode(const struct bpe *bpe, const uint8_t *word, size_t size,
                                        struct bpe_scratch *scratch, size_t *count, struct ltd_error *err);

/* GPT-2's spelling of a byte in out, without a terminator: printable Latin-1 as itself, the 68 others as
 * U+0100 and up.  Returns the bytes written, 2 at most. */
size_t bpe_spell_byte(int byte, char *out);
bool bpe_spells_itself(int byte);

#endif
