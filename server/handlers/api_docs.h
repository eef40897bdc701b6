/*
 * api_docs.h - docs/api.md, from the tables of routes, fields and replies.
 */
#ifndef API_DOCS_H
#define API_DOCS_H

#include <stdio.h>

#include "api/fields.h"

/* Writes the page as Markdown; limits are told as they are. */
void api_docs_print(FILE *out, const struct request_limits *limits);

#endif
