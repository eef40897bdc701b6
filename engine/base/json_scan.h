/*
 * json_scan.h - the strict scanner under json.c: bytes in, checked tokens out.
 *
 * The tokens that come out of one scanner, up to JSON_END, spell a document of RFC 8259: the scanner holds
 * the grammar, the UTF-8, the escapes, the depth and the number of values.  Duplicate keys are left to the
 * caller, who has the unescaped keys anyway.  Nothing is allocated.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/json.h>

/* No limit goes beyond this depth: trees are freed and printed by recursion. */
#define JSON_SCAN_MAX_DEPTH 1000

enum json_token_kind {
    JSON_OPEN_OBJECT,
    JSON_CLOSE_OBJECT,
    JSON_OPEN_ARRAY,
    JSON_CLOSE_ARRAY,
    JSON_KEY, /* its colon is read too */
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_END
};

struct json_token {
    enum json_token_kind kind;
    const char *text; /* in the scanned bytes; of a key or string: what is between the quotes */
    size_t length;    /* bytes of text */
    size_t unescaped; /* of a key or string: its bytes after unescaping */
    size_t offset;    /* of the token's first byte */
};

enum json_scan_state { JSON_AT_VALUE, JSON_AT_FIRST_ELEMENT, JSON_AT_FIRST_KEY, JSON_AFTER_VALUE };

struct json_scanner {
    const uint8_t *text;
    size_t size, at;
    size_t max_depth, max_nodes;
    bool infinities;
    size_t depth, nodes;
    enum json_scan_state state;
    bool is_object[JSON_SCAN_MAX_DEPTH]; /* of each open container */
};

void json_scanner_init(struct json_scanner *scanner, const char *text, size_t size,
                       const struct ltd_json_limits *limits);
/* Errors: LTD_ESYNTAX, LTD_ETOOBIG; both messages give the byte offset. */
LTD_MUST_USE enum ltd_status json_scanner_next(struct json_scanner *scanner, struct json_token *token,
                                               struct ltd_error *err);
/* Writes the unescaped text of a key or string: token->unescaped bytes and a terminator. */
void json_token_unescape(const struct json_token *token, char *out);

/* The length, 1 to 4, of the well-formed UTF-8 sequence that begins at s[0], or 0 (RFC 3629: no overlong
 * form, no surrogate, nothing above U+10FFFF).  n > 0 bytes may be read. */
size_t json_utf8_length(const uint8_t *s, size_t n);

#endif
