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
#include "store/job_request.h"

struct request_limits {
    int max_pixels, max_steps, max_count;
    size_t max_prompt_bytes;
    int max_upscaled_pixels;
};

enum { FIELD_KIND_TXT2IMG, FIELD_KIND_IMG2IMG, FIELD_KIND_UPSCALE }; /* the words of "kind" */

enum field_id {
#define FIELD(id, ...) FIELD_##id,
#include "api/fields.def"
#undef FIELD
    FIELD_ID_COUNT
};

enum field_type {
    FIELD_TYPE_TEXT,
    FIELD_TYPE_TEXTS,
    FIELD_TYPE_SEED,
    FIELD_TYPE_INTEGER,
    FIELD_TYPE_SIDE,
    FIELD_TYPE_NUMBER,
    FIELD_TYPE_SHARE,
    FIELD_TYPE_NAME,
    FIELD_TYPE_NAMES,
    FIELD_TYPE_IMAGE,
    FIELD_TYPE_LORAS,
    FIELD_TYPE_CONTROLS,
    FIELD_TYPE_OBJECT,
    FIELD_TYPE_BOOL
};

/* The words a NAME may be: index to name, NULL past the last. */
typedef const char *field_names_fn(int index);

/* A row of the table, in static storage. */
struct field {
    const char *parent, *name;
    const char *pointer; /* "/output/format" */
    const char *also;
    enum field_type type;
    double low;
    field_names_fn *names; /* NULL: of another type than NAME and NAMES */
    bool required;         /* where its object is sent */
    const char *standard, *about;
};

const struct field *field_of(enum field_id id);
double field_high(enum field_id id, const struct request_limits *limits);

/* A field of one request. */
struct field_value {
    bool present;     /* and right */
    bool wrong;       /* a finding has been made */
    const char *text; /* TEXT, IMAGE; borrowed from the document */
    uint64_t seed;
    int integer; /* INTEGER, SIDE, NAME (index of the word) */
    double number;
    bool truth;
    unsigned words;              /* NAMES: a bit for each */
    const struct ltd_json *list; /* TEXTS, LORAS, CONTROLS: the array, borrowed from the document */
};

/* Called for a member that is no field, instead of a finding. */
typedef void field_unknown_fn(void *arg, const char *pointer, const char *detail);

struct field_reader {
    const struct request_limits *limits;
    struct field_value *values; /* [FIELD_ID_COUNT] */
    struct problem *problem;
    field_unknown_fn *unknown; /* NULL: an unknown member is wrong */
    void *arg;
};

/* Reads every member of document into the values; what is wrong goes to the problem. */
void fields_read(const struct field_reader *reader, const struct ltd_json *document);

/* Adds a finding from a printf format, and marks the field as wrong. */
void field_wrong(struct field_value values[FIELD_ID_COUNT], enum field_id id, struct problem *problem,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Copies what a client wrote, at most 64 bytes of it, for a message; returns shown. */
enum { FIELD_SHOWN_SIZE = 72 };
const char *field_shown(char shown[FIELD_SHOWN_SIZE], const char *text);

#endif
