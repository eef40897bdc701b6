/*
 * json.h - JSON in and out: a strict scanner that builds and reads trees of cJSON.
 *
 * The scanner accepts RFC 8259 and nothing else (but for the infinities of model files, see ltd_json_limits):
 * valid UTF-8, no byte order mark, no duplicate keys (compared after unescaping), no lone surrogates, no
 * \u0000, no trailing bytes, numbers by the grammar.  Look-ups are case-sensitive.  This is the tree's only
 * user of cJSON.
 */
#ifndef LATENTD_JSON_H
#define LATENTD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

struct ltd_json; /* one value; a document is its root value */

enum ltd_json_type {
    LTD_JSON_NULL,
    LTD_JSON_BOOL,
    LTD_JSON_NUMBER,
    LTD_JSON_STRING,
    LTD_JSON_ARRAY,
    LTD_JSON_OBJECT
};

struct ltd_json_limits {
    size_t max_depth; /* nested arrays and objects */
    size_t max_nodes; /* values in the whole document */
    bool infinities;  /* Infinity and -Infinity are numbers, as Python's json writes and reads them */
};

/* For request bodies: depth 32, 4096 values.  For model files: depth 32, 2,000,000 values, and infinities,
 * since diffusers saves some (lambda_min_clipped). */
extern const struct ltd_json_limits ltd_json_request_limits, ltd_json_file_limits;

/* Parses size bytes (no terminator needed).  The caller frees *out with ltd_json_free.  Safe on any thread.
 * A max_depth above 1000 counts as 1000.
 * Errors: LTD_ESYNTAX (the message gives the byte offset), LTD_ETOOBIG (depth or number of values),
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status ltd_json_parse(const char *text, size_t size,
                                            const struct ltd_json_limits *limits, struct ltd_json **out,
                                            struct ltd_error *err);
/* Reads and parses a whole regular file of at most max_bytes, within ltd_json_file_limits.  Errors: those of
 * ltd_json_parse (LTD_ETOOBIG also for a larger file), LTD_ENOTFOUND, LTD_EFORMAT not a regular file,
 * LTD_EIO; the message begins with the path. */
LTD_MUST_USE enum ltd_status ltd_json_read_file(const char *path, size_t max_bytes, struct ltd_json **out,
                                                struct ltd_error *err);
void ltd_json_free(struct ltd_json *root); /* NULL is fine; roots only */

/* Reading.  All take NULL (as a missing value) and return NULL/false/0 for it. */
enum ltd_json_type ltd_json_type(const struct ltd_json *value);
const char *ltd_json_type_name(enum ltd_json_type type); /* "a number", "an array", ... for messages */
size_t ltd_json_size(const struct ltd_json *value);      /* members of an array or object */
const struct ltd_json *ltd_json_get(const struct ltd_json *object,
                                    const char *key); /* borrowed; NULL when absent */
/* Children in document order: start with ltd_json_first, go on with ltd_json_next.  O(1) each. */
const struct ltd_json *ltd_json_first(const struct ltd_json *value);
const struct ltd_json *ltd_json_next(const struct ltd_json *value);
const char *ltd_json_key(const struct ltd_json *member);   /* borrowed */
const char *ltd_json_string(const struct ltd_json *value); /* borrowed; NULL if it is not a string */
bool ltd_json_bool(const struct ltd_json *value);
/* The nearest double, always finite: 1e400 is a number by the grammar, and reads as DBL_MAX, which no range
 * check lets pass. */
double ltd_json_number(const struct ltd_json *value);
/* Exact integers, from the number's own digits: false when the value is not a number written as an integer
 * (no fraction, no exponent) or does not fit. */
bool ltd_json_uint64(const struct ltd_json *value, uint64_t *out);
bool ltd_json_int64(const struct ltd_json *value, int64_t *out);

/* A copy with all below it, as a root; NULL without memory. */
struct ltd_json *ltd_json_copy(const struct ltd_json *value);

/* Building.  Constructors return NULL without memory; the adders take ownership of value always, take NULL
 * for value (nothing is added) and make the whole print fail, so a builder may check once, at ltd_json_print.
 * A NULL object or array frees value.  Nothing here looks for duplicate keys. */
struct ltd_json *ltd_json_new_object(void);
struct ltd_json *ltd_json_new_array(void);
/* Here and in keys, a byte that is not part of well-formed UTF-8 becomes U+FFFD. */
struct ltd_json *ltd_json_new_string(const char *text);
struct ltd_json *
ltd_json_new_number(double number); /* shortest form that reads back equal; not finite: null */
struct ltd_json *ltd_json_new_uint64(uint64_t number);
struct ltd_json *ltd_json_new_bool(bool truth);
struct ltd_json *ltd_json_new_null(void);
void ltd_json_add(struct ltd_json *object, const char *key, struct ltd_json *value);
void ltd_json_append(struct ltd_json *array, struct ltd_json *value);

/* Prints to a malloc'd string that the caller frees; NULL without memory or after a failed add. */
char *ltd_json_print(const struct ltd_json *value, bool indented);

#endif
