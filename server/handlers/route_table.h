/*
 * route_table.h - every route there is, and what is said of it (routes.def).
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "http/httpd.h"

extern const struct http_route app_routes[];
extern const size_t app_route_count;
extern const struct http_prefix app_prefixes[];
extern const size_t app_prefix_count;

/* The last columns of the table, as they stand there. */
struct route_doc {
    const char *takes, *gives, *about;
};

extern const struct route_doc app_route_docs[]; /* in the order of app_routes */

#endif
