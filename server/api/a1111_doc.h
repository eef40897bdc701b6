/*
 * a1111_doc.h - what AUTOMATIC1111's family says of itself, for struct family_doc.
 */
#ifndef A1111_DOC_H
#define A1111_DOC_H

#include <latentd/json.h>

#include "api/request_encode.h"

void a1111_add_schemas(struct ltd_json *schemas, const struct schema_context *context);
void a1111_add_fields(struct ltd_json *fields);

#endif
