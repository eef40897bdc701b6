/*
 * prompt_names.h - words of prompts that stand for vectors: the names of textual inversion embeddings.
 *
 * A name is looked for among a text's tokens: where they go on as the name's own tokens do, whatever their
 * case was, they are replaced.  Of several names that fit, the longest one counts, of two that are alike the
 * first one.
 */
#ifndef PROMPT_NAMES_H
#define PROMPT_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

struct prompt_name {
    const char *name; /* borrowed */
    int32_t *ids;     /* [length]: its tokens */
    size_t length;
    int32_t first;  /* id of its first vector; the others follow */
    size_t vectors; /* 0: it is no use here, and stays text */
    size_t order;
};

struct prompt_names {
    struct prompt_name *item; /* in order of the first token */
    size_t count;
};

/* Adds a name with its tokens, which are copied; one without tokens is left out.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status prompt_names_add(struct prompt_names *names, const char *name,
                                              const int32_t *ids, size_t length, int32_t first,
                                              size_t vectors, struct ltd_error *err);
void prompt_names_fini(struct prompt_names *names); /* also of a zeroed struct */

/* The name that count > 0 tokens begin with; NULL: none. */
const struct prompt_name *prompt_names_find(const struct prompt_names *names, const int32_t *ids,
                                            size_t count);

#endif
