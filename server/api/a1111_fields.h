/*
 * a1111_fields.h - the table of txt2img's and img2img's fields (a1111_fields.def), and reading JSON by it.
 */
#ifndef A1111_FIELDS_H
#define A1111_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <latentd/json.h>

#include "api/a1111_refusal.h"

enum a1111_route { A1111_TXT2IMG, A1111_IMG2IMG };

enum a1111_field {
#define A1111_FIELD(id, ...) A1111_##id,
#include "api/a1111_fields.def"
#undef A1111_FIELD
    A1111_FIELD_COUNT
};

enum a1111_type {
    A1111_TYPE_TEXT,
    A1111_TYPE_INTEGER, /* also 20.0 and "20", as pydantic takes them */
    A1111_TYPE_NUMBER,  /* also "7.5" */
    A1111_TYPE_BOOL,    /* also 0 and 1 */
    A1111_TYPE_LIST,
    A1111_TYPE_OBJECT
};

/* What happens to a value. */
enum a1111_effect { A1111_HONOURED, A1111_INERT, A1111_OFF, A1111_ONE, A1111_ON };

/* A field of one request. */
struct a1111_value {
    bool present; /* not null, and of its type */
    bool wrong;   /* it has been refused */
    const struct ltd_json *json;
    const char *text;   /* TEXT; borrowed from the document */
    double number;      /* INTEGER, NUMBER */
    uint64_t magnitude; /* INTEGER, exactly, without its sign; if it fits */
    bool fits;
    bool truth; /* BOOL */
};

/* Called for a name that the route has not. */
typedef void a1111_unknown_fn(void *arg, const char *name);

const char *a1111_field_name(enum a1111_field field);
/* What an answer says for the field when it is absent, as JSON; "": the answer does not have it. */
const char *a1111_field_standard(enum a1111_field field);
/* "honoured", "inert" or "refused"; static storage. */
const char *a1111_field_effect(enum a1111_field field);
enum a1111_type a1111_field_type(enum a1111_field field);
const char *a1111_field_why(enum a1111_field field);
bool a1111_field_is_of(enum a1111_field field, enum a1111_route route);
/* The field under whose name a native finding is told; NULL: none. */
const char *a1111_place_of(const char *native_pointer);

/* Reads one value as a type; false, and *refusal says so under `place`, when it is none. */
bool a1111_value_read(const struct ltd_json *json, enum a1111_type type, const char *place,
                      struct a1111_value *out, struct a1111_refusal *refusal);

/* Refuses a value that its effect does not allow, for the reason given. */
void a1111_value_check(struct a1111_value *value, enum a1111_type type, enum a1111_effect effect,
                       const char *place, const char *why, struct a1111_refusal *refusal);

/* Reads every member of document, an object; what is wrong, or is not built, goes to refusal. */
void a1111_fields_read(const struct ltd_json *document, enum a1111_route route,
                       struct a1111_value values[A1111_FIELD_COUNT], a1111_unknown_fn *unknown, void *arg,
                       struct a1111_refusal *refusal);

#endif
