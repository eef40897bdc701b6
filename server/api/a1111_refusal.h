/*
 * a1111_refusal.h - why a request is refused, in AUTOMATIC1111's two forms.
 *
 * Wrong values are told all at once, as its validation tells them: 422 {"detail": [{"loc": ["body", "steps"],
 * "msg", "type"}]}.  All else is {"error": "HTTPException", "detail", "body": "", "errors"}, where errors has
 * the stable word that latentd has for it everywhere.
 */
#ifndef A1111_REFUSAL_H
#define A1111_REFUSAL_H

#include <stdbool.h>

#include <latentd/json.h>

#include "api/problem.h"

struct a1111_refusal {
    int status;       /* of the HTTP reply; 0: nothing is wrong */
    const char *code; /* static storage; NULL: wrong values */
    char detail[512];
    struct ltd_json *items; /* the wrong values, an array; owned; NULL: none */
    int count;
};

void a1111_refusal_fini(struct a1111_refusal *refusal); /* also of a zeroed struct */

/* One refusal that is no wrong value, from a printf format; the first one stays. */
void a1111_refuse_all(struct a1111_refusal *refusal, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a wrong value: its place in the body ("override_settings/sd_vae"; "": the body), a type in pydantic's
 * words ("value_error"), and a message from a printf format.  Beyond 64 they are only counted. */
void a1111_refuse_value(struct a1111_refusal *refusal, const char *place, const char *type,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What is wrong with a native request, or what became of its job; places are native pointers that place_of
 * (NULL: none) turns into AUTOMATIC1111's. */
void a1111_refuse_problem(struct a1111_refusal *refusal, const struct problem *problem,
                          const char *(*place_of)(const char *pointer));

/* The body of the reply; takes the values out of it.  NULL without memory. */
struct ltd_json *a1111_refusal_encode(struct a1111_refusal *refusal);

#endif
