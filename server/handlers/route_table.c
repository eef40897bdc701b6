#include "handlers/route_table.h"

#include "handlers/app.h"

const struct http_route app_routes[] = {
#define PREFIX(path, family)
#define ROUTE(family, method, pattern, handle, admit, body, query, takes, gives, about) \
    {family, method, pattern, handle, admit, body, query},
#include "handlers/routes.def"
#undef ROUTE
#undef PREFIX
};

const size_t app_route_count = sizeof app_routes / sizeof app_routes[0];

const struct route_doc app_route_docs[] = {
#define PREFIX(path, family)
#define ROUTE(family, method, pattern, handle, admit, body, query, takes, gives, about) {takes, gives, about},
#include "handlers/routes.def"
#undef ROUTE
#undef PREFIX
};

const struct http_prefix app_prefixes[] = {
#define PREFIX(path, family) {path, family},
#define ROUTE(family, method, pattern, handle, admit, body, query, takes, gives, about)
#include "handlers/routes.def"
#undef ROUTE
#undef PREFIX
};

const size_t app_prefix_count = sizeof app_prefixes / sizeof app_prefixes[0];
