/*
 * fields.h - the table of request fields (fields.def), and reading JSON by it.
 *
 * This layer knows types and bounds of single fields; what fields mean to each other is request_decode's.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/json.h>

#include "api/problem.h"

struct request_limits {
    int max_pixels, max_steps, max_count;
    size_t max_prompt_bytes;
};

enum field_id {
#define FIELD(id, ...) FIELD_##id,
#include "api/fields.def"
#undef FIELD
    FIELD_ID_COUNT
};

enum field_type {
    FIELD_TYPE_TEXT,
    FIELD_TYPE_SEED,
    FIELD_TYPE_INTEGER,
    FIELD_TYPE_NUMBER,
    FIELD_TYPE_SHARE,
    FIELD_TYPE_NAME,
    FIELD_TYPE_IMAGE,
    FIELD_TYPE_OBJECT,
    FIELD_TYPE_BOOL
};

/* The words a NAME may be: index to name, NULL past the last. */
typedef const char *field_names_fn(int index);

/* A field of one request. */
struct field_value {
    bool present;     /* and right */
    bool wrong;       /* a finding has been made */
    const char *text; /* TEXT, IMAGE; borrowed from the document */
    uint64_t seed;
    int integer; /* INTEGER, NAME (index of the word) */
    double number;
    bool truth;
};

const char *field_pointer(enum field_id id); /* "/output/format"; static storage */

/* Reads every member of document into values[FIELD_ID_COUNT]; what is wrong goes to problem. */
void fields_read(const struct ltd_json *document, const struct request_limits *limits,
                 struct field_value values[FIELD_ID_COUNT], struct problem *problem);

/* Adds a finding from a printf format, and marks the field as wrong. */
void field_wrong(struct field_value values[FIELD_ID_COUNT], enum field_id id, struct problem *problem,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Copies what a client wrote, at most 64 bytes of it, for a message; returns shown. */
enum { FIELD_SHOWN_SIZE = 72 };
const char *field_shown(char shown[FIELD_SHOWN_SIZE], const char *text);

#endif
