/*
 * openapi.h - the description of every route, from the tables that serve it.
 */
#ifndef OPENAPI_H
#define OPENAPI_H

#include <stdio.h>

#include "handlers/app.h"

/* An OpenAPI 3.1 document; the caller frees it.  NULL without memory. */
struct ltd_json *openapi_encode(const struct app *app);

/* The alternatives in a column of routes.def: copies the next word of *text, up to one of `ends`, to word,
 * and moves *text behind it.  False: there is none. */
enum { OPENAPI_WORD_SIZE = 96 };
bool openapi_next_word(const char **text, const char *ends, char word[OPENAPI_WORD_SIZE]);

#endif
