/*
 * problem.h - what went wrong, as RFC 9457 application/problem+json.
 *
 * {"title", "status", "detail", "code", "request_id", "errors": [{"pointer", "detail"}]}: code is a stable
 * word to branch on; errors, of a 422, names every wrong value at once by JSON pointer (RFC 6901).
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "util/blob.h"

enum { PROBLEM_POINTER_SIZE = 256 };

#define PROBLEM_TYPE "application/problem+json"

struct problem {
    int status;       /* of the HTTP reply */
    const char *code; /* static storage */
    char detail[512];
    struct ltd_json *errors; /* an array, owned; NULL: none are named */
    int error_count;
    const char *prefix; /* of the pointers of what is added: "/requests/3"; borrowed; NULL: none */
    /* The pointer that is told instead of another one, for requests whose fields go by other names; it may
     * write it to text.  NULL: as they are. */
    const char *(*rename)(const char *pointer, char text[PROBLEM_POINTER_SIZE]);
};

void problem_fini(struct problem *problem); /* also of a zeroed struct */

/* Sets status, code and, from a printf format, detail. */
void problem_set(struct problem *problem, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a wrong value.  Beyond 64 they are only counted. */
void problem_add(struct problem *problem, const char *pointer, const char *detail);
/* What the wrong values come to: 422 "invalid", and how many there are. */
void problem_set_invalid(struct problem *problem);

/* What a failure of the engine or the queue means to a client (problem_codes.def). */
void problem_from_error(struct problem *problem, const struct ltd_error *error);

/* A status in words. */
const char *problem_title(int status);

/* The problem as JSON; takes errors out of it.  NULL without memory. */
struct ltd_json *problem_encode(struct problem *problem, const char *request_id);

/* Prints and frees json, also NULL; NULL without memory. */
struct blob *json_to_blob(struct ltd_json *json);

#endif
