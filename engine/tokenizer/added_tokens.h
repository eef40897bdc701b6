/*
 * added_tokens.h - tokens that are recognised as a whole, before the text is split into words.
 *
 * A token that is not `normalized` is looked for in the raw text; one that is, by its own normal form in the
 * normal form of what lies between those.  At each place the longest wins.
 */
#ifndef ADDED_TOKENS_H
#define ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

enum { ADDED_MAX_TOKENS = 1024, ADDED_MAX_SIZE = 256 /* bytes of one */ };

struct added_token {
    char *content; /* owned; not empty */
    int64_t order; /* tokens are added by rising order */
    int32_t id;
    bool plain; /* the file has its content only */
    bool normalized, special;
    bool normalized_given; /* the file says so; else it is what `special` is not */
    bool single_word;      /* only between characters that are no part of a word */
    bool lstrip, rstrip;   /* takes the white space on its left, on its right */
};

struct added_list {
    struct added_token *token;
    size_t count;
};

/* Appends a copy of token, unless the very same is there.  Of several with one content the last one counts
 * (the reference's behaviour).  Errors: LTD_EFORMAT too many, too long or empty; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status added_list_add(struct added_list *list, const struct added_token *token,
                                            struct ltd_error *err);
/* The first of that content; NULL when there is none. */
const struct added_token *added_list_find(const struct added_list *list, const char *content);
void added_list_fini(struct added_list *list); /* also of a zeroed list */

/* Patterns in byte order, so that a search narrows a range byte by byte. */
struct added_pattern {
    uint8_t *bytes; /* owned */
    size_t size;
    struct added_token token; /* content: NULL */
    size_t rank;              /* in the list: of two equal patterns the earlier one counts */
};

struct added_set {
    struct added_pattern *pattern;
    size_t count;
    bool starts[256]; /* a pattern begins with this byte */
};

/* The list's tokens of one kind.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status added_set_init(struct added_set *set, const struct added_list *list,
                                            bool normalized, struct ltd_error *err);
void added_set_fini(struct added_set *set); /* also of a zeroed set */

/* Walks over text (valid UTF-8), which it covers without gaps: stretches of plain text and tokens. */
struct added_cursor {
    const struct added_set *set;
    const uint8_t *text;
    size_t size;
    size_t search;   /* matches begin here or later */
    size_t done;     /* bytes given out */
    size_t stripped; /* white space on the right was looked for up to here */
    size_t token_begin, token_end;
    int32_t token_id; /* -1: no token waits behind the plain text before it */
};
struct added_span {
    size_t begin, end;
    int32_t id; /* -1: plain text */
};
void added_cursor_init(struct added_cursor *cursor, const struct added_set *set, const uint8_t *text,
                       size_t size);
bool added_cursor_next(struct added_cursor *cursor, struct added_span *span);

#endif
