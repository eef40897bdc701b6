/*
 * reply_schema.h - what the native API answers, as JSON Schema (replies.def).
 */
#ifndef REPLY_SCHEMA_H
#define REPLY_SCHEMA_H

#include <stdbool.h>

#include <latentd/json.h>

#include "api/request_encode.h"

/* A row of the table, in static storage. */
struct reply_member {
    const char *schema, *name;
    bool always;
    const char *type, *about;
};

const struct reply_member *reply_member(int index); /* NULL past the last */

/* Adds the schemas of all replies, and of the native API's requests. */
void reply_schemas_add(struct ltd_json *schemas, const struct schema_context *context);

/* {"$ref": "#/components/schemas/NAME"} */
struct ltd_json *schema_ref(const char *name);

#endif
