/*
 * http_route.h - which handler a request is for.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

enum http_next {
    HTTP_REPLY,  /* *reply is filled */
    HTTP_STREAM, /* *reply has status, content_type, headers and stream: the body comes piece by piece */
    /* The handler is called again, with request->resumed, after httpd_wake or when reply->wait_until has
     * come, whichever is first; it may wait again.  No thread waits.  The request's body is gone by then. */
    HTTP_WAIT,
    HTTP_DESK /* this takes long: the handler is called again, with request->at_desk, on a thread for that */
};

/* Both run on the HTTP thread, but for a handler's calls at the desk, and must be quick there.  A handler
 * never says HTTP_DESK when at the desk.  When the server ends, a handler that would wait is called once more
 * at once, with request->resumed and request->closing: then it may not say HTTP_WAIT. */
typedef enum http_next http_handle_fn(void *app, struct http_request *request, struct http_reply *reply);
/* Asked when the head is there and the body is not: false refuses the request, *reply says why. */
typedef bool http_admit_fn(void *app, const struct http_request *request, struct http_reply *reply);

enum http_body {
    HTTP_NO_BODY, /* whatever comes is read and thrown away */
    HTTP_JSON_BODY,
    HTTP_FORM_BODY, /* multipart/form-data: http_form.h */
    HTTP_JSON_OR_FORM_BODY,
    HTTP_ANY_BODY /* of any type, or none at all */
};

struct http_route {
    enum http_family family;
    const char *method;  /* a GET route answers HEAD too */
    const char *pattern; /* "/api/v1/jobs/{id}/images/{n}": {name} is one segment that is not empty */
    http_handle_fn *handle;
    http_admit_fn *admit; /* NULL: always */
    enum http_body body;
    /* The query parameters that it knows, with a space between two; NULL: any.  Others are refused, since
     * they might else be taken for heard. */
    const char *query;
};

/* Finds the route and fills request->params and family.  NULL: *refusal says 404, or 405 with the methods
 * that there are, OPTIONS among them. */
const struct http_route *http_route_find(const struct http_route *routes, size_t count,
                                         struct http_request *request, struct http_refusal *refusal);

#endif
