/*
 * http_form.h - the parts of a multipart/form-data body (RFC 7578, RFC 2046 section 5.1).
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_message.h"

enum { HTTP_FORM_MAX_PARTS = 64, HTTP_FORM_MAX_TEXTS = 16 * 1024 };

/* Texts end with a zero; data does not, and points into the request's body. */
struct http_form_part {
    const char *name;
    const char *filename; /* as sent: not the name of any file here; NULL: none */
    const char *type;     /* the part's Content-Type; NULL: none */
    const char *data;
    size_t size;
};

struct http_form {
    struct http_form_part parts[HTTP_FORM_MAX_PARTS]; /* in the order of the body; names may repeat */
    size_t count;
    char *texts; /* [HTTP_FORM_MAX_TEXTS], owned: the names, file names and types */
    size_t texts_used;
};

/* Whether the request's Content-Type is multipart/form-data. */
bool http_form_is_sent(const struct http_request *request);

/* Takes the body apart; it must outlive *out, which the caller ends with http_form_fini.  A pass over all
 * bytes: for the desk when the body is large.  False: *why says what is wrong (400), and there is nothing to
 * end. */
bool http_form_parse(const struct http_request *request, struct http_form *out, struct http_refusal *why);
void http_form_fini(struct http_form *form); /* also of a zeroed struct */

/* The first part of that name; NULL when there is none. */
const struct http_form_part *http_form_find(const struct http_form *form, const char *name);

#endif
