/*
 * query_table.h - the parameters that queries may have (queries.def), as they are described.
 */
#ifndef QUERY_TABLE_H
#define QUERY_TABLE_H

#include <latentd/json.h>

enum query_type { QUERY_NUMBER, QUERY_INTEGER, QUERY_TEXT, QUERY_ID, QUERY_WORDS };

struct query_row {
    const char *name;
    enum query_type type;
    double low, high;
    const char *words, *about;
};

const struct query_row *query_find(const char *name); /* of a name in routes.def: there is one */
struct ltd_json *query_schema(const struct query_row *row);

#endif
