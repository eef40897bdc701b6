/*
 * prompt_parts.h - composition: prompts joined by AND, each with a weight (Liu et al. 2022), by
 * AUTOMATIC1111's prompt grammar.
 *
 *   a cat AND a dog :1.2 AND rain :-0.3
 *
 * A number after the last colon of a part is its weight, else that is 1: also where there is one part only,
 * so that "at 12:30" has the weight 30.
 */
#ifndef PROMPT_PARTS_H
#define PROMPT_PARTS_H

#include <stddef.h>

#include <latentd/error.h>

enum { PROMPT_MAX_PARTS = 16 };

struct prompt_parts {
    char *text; /* of all parts */
    struct {
        const char *text; /* without its weight and the white space before that */
        double weight;
    } part[PROMPT_MAX_PARTS];
    size_t count; /* at least 1 */
};

/* Splits text, valid UTF-8.  prompt_parts_fini afterwards, also on failure.  Errors: LTD_EINVAL too many
 * parts, a weight that no float can hold; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status prompt_parts_split(struct prompt_parts *out, const char *text,
                                                struct ltd_error *err);
void prompt_parts_fini(struct prompt_parts *parts); /* also of a zeroed struct */

#endif
