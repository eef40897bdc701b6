/*
 * openai_fields.h - the table of the fields of OpenAI's image requests (openai_fields.def).
 */
#ifndef OPENAI_FIELDS_H
#define OPENAI_FIELDS_H

#include <latentd/json.h>

#include "api/family_doc.h"

enum openai_route { OPENAI_GENERATIONS, OPENAI_EDITS, OPENAI_VARIATIONS };

/* The bit of a route in the table. */
enum openai_routes {
    OPENAI_G = 1 << OPENAI_GENERATIONS,
    OPENAI_E = 1 << OPENAI_EDITS,
    OPENAI_V = 1 << OPENAI_VARIATIONS
};

enum openai_field_id {
#define OPENAI_FIELD(id, name, also, routes, shape, low, high, words, native, fate, about) OPENAI_FIELD_##id,
#include "api/openai_fields.def"
#undef OPENAI_FIELD
    OPENAI_FIELD_COUNT
};

enum openai_shape {
    OPENAI_SHAPE_TEXT,
    OPENAI_SHAPE_NUMBER,
    OPENAI_SHAPE_BOOL,
    OPENAI_SHAPE_WORD,
    OPENAI_SHAPE_SIZE,
    OPENAI_SHAPE_FILE,
    OPENAI_SHAPE_ANY
};

enum openai_fate { OPENAI_FATE_HONOURED, OPENAI_FATE_INERT, OPENAI_FATE_REFUSED };

/* A row of the table, in static storage. */
struct openai_field {
    const char *name, *also;
    unsigned routes; /* of enum openai_routes */
    enum openai_shape shape;
    int low, high;
    const char *words, *native;
    enum openai_fate fate;
    const char *about;
};

extern const struct openai_field openai_fields[OPENAI_FIELD_COUNT];

/* Which of words, with a space between two, text is; -1: none. */
int openai_word_index(const char *words, const char *text);

/* The words of "quality". */
enum openai_quality {
#define OPENAI_QUALITY(name, percent) OPENAI_QUALITY_##name,
#include "api/openai_qualities.def"
#undef OPENAI_QUALITY
    OPENAI_QUALITY_COUNT
};

const char *openai_quality_name(enum openai_quality quality);
int openai_quality_percent(enum openai_quality quality); /* of the model's own steps */

/* What the family says of itself. */
extern const struct family_doc openai_doc;

#endif
