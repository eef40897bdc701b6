/*
 * prompt_edit.h - prompts that change while the picture is drawn, by AUTOMATIC1111's prompt grammar.
 *
 *   [a:b:when]   a, then b            [a|b|c]   a, b, c, a, ... step by step; each may be empty
 *   [b:when]     nothing, then b
 *   [a::when]    a, then nothing
 *
 * `when` is the last step with what comes first: a step's number, or, written with a dot, a share of all
 * steps, rounded down.  What is replaced may have brackets and changes of its own.  A colon or bracket that
 * belongs to no such thing is text.  With a | that stands outside of [ ], or a backslash that nothing
 * follows, the whole prompt is text (the reference's parser gives up there).
 */
#ifndef PROMPT_EDIT_H
#define PROMPT_EDIT_H

#include <stddef.h>

#include <latentd/error.h>

struct prompt_edit; /* a parsed prompt; read-only */

/* text is valid UTF-8, borrowed for as long as the result lives.  Errors: LTD_EINVAL brackets nested deeper
 * than PROMPT_MAX_DEPTH; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status prompt_edit_parse(const char *text, struct prompt_edit **out,
                                               struct ltd_error *err);
void prompt_edit_free(struct prompt_edit *edit); /* NULL is fine */

/* The last steps, 1..steps, of the texts that a run of `steps` > 0 steps goes through, in rising order; the
 * last one is `steps`.  Returns how many.  Neighbours may have equal texts. */
size_t prompt_edit_turns(const struct prompt_edit *edit, int steps, int *last /* [steps] */);

/* The text at a step, 1..steps, with a NUL after it; never longer than the prompt.  Returns its length. */
size_t prompt_edit_text(const struct prompt_edit *edit, int step, int steps,
                        char *out /* [strlen(text) + 1] */);

#endif
