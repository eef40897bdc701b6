/*
 * family_doc.h - what each family of the API says of itself in /openapi.json and /capabilities.
 *
 * A family has its own file with a struct family_doc, built from its own tables, and a line in family_doc.c.
 */
#ifndef FAMILY_DOC_H
#define FAMILY_DOC_H

#include <stddef.h>

#include <latentd/json.h>

#include "api/request_encode.h"

struct family_doc {
    const char *name;         /* "openai" */
    const char *error_schema; /* of its errors, and their media type */
    const char *error_type;
    /* Adds the family's schemas ("OpenaiImageRequest": {...}) to the components of /openapi.json; the routes
     * name them.  NULL: it has none of its own. */
    void (*add_schemas)(struct ltd_json *schemas, const struct schema_context *context);
    /* Adds a member for each field that the family's clients send: "honoured", "inert" (taken, and without
     * any influence on the picture) or "refused". */
    void (*add_fields)(struct ltd_json *fields);
};

extern const struct family_doc *const family_docs[]; /* NULL past the last */

#endif
