/*
 * conditioning.h - from a request's prompts to the rows of text that the U-Net gets in each evaluation.
 *
 * The profile diffusers takes plain text, cut to what the text encoder reads at once; clip_skip is the
 * prompt's alone, and a cfg_scale of 1 and below has no guidance.
 *
 * The profile a1111 takes AUTOMATIC1111's grammar (tokenizer/prompt.h) at any length; clip_skip is both
 * prompts', but none of Stable Diffusion XL's; weights scale the encoder's output, whose mean is then
 * restored (modules/sd_emphasis.py); shorter rows are padded to the longest one.
 */
#ifndef CONDITIONING_H
#define CONDITIONING_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/model_parts.h"
#include "tensor/exec.h"
#include "tokenizer/prompt.h"

/* One of a request's two prompts. */
struct conditioning_side {
    struct prompt prompt;
    int32_t *ids_2; /* [chunks, length], for a second text encoder; NULL: there is none */
    size_t skip;    /* layers of the text encoder that are left out */
    bool padded;    /* the last chunk has no tokens, and fills what is too short */
    bool zero;      /* its own chunks come to zeros, whatever is in them */
    const struct cached_value **recalled; /* [chunks]; NULL: the text encoder has to run */
};

struct conditioning {
    const struct ltd_model *model;
    struct conditioning_side negative, prompt; /* without guidance, the negative one is empty */
    int guided, guided_end; /* evaluations that have guidance: the first, and the one behind the last */
    size_t rows;   /* of all: the negative prompt's, if any has guidance, then the parts of the prompt */
    size_t chunks; /* of a row */
};

/* How a request's prompt is read, or its negative prompt. */
enum conditioning_role { CONDITIONING_NEGATIVE, CONDITIONING_PROMPT };
struct prompt_rules conditioning_rules(const struct ltd_model *model, const struct ltd_gen_params *params,
                                       enum conditioning_role role);
/* Whether the negative prompt has a part in what a prompt comes to. */
bool conditioning_is_guided(const struct ltd_model *model, const struct ltd_gen_params *params,
                            const struct prompt *prompt);

/* For so many evaluations; params must have passed ltd_params_check.  conditioning_fini afterwards, also on
 * failure. Errors: LTD_EINVAL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status conditioning_init(struct conditioning *c, const struct ltd_model *model,
                                               const struct ltd_gen_params *params, int evaluations,
                                               struct ltd_error *err);
void conditioning_fini(struct conditioning *c); /* also of a zeroed struct */

/* Takes what the model remembers of the chunks: the text encoder has less to do.  Returns how many it
 * remembers. */
int conditioning_recall(struct conditioning *c);

size_t conditioning_tokens(const struct conditioning *c); /* of a row, with all marks and padding */

/* Every text that is drawn with at any time, encoded and weighted. */
struct conditioning_texts {
    struct tensor contexts; /* [n, tokens, 1, channels]; n is the number of rows where no prompt changes */
    struct tensor pooled;   /* [n, 1, 1, channels], of each one's first chunk; of a model that takes none,
                               channels   is 0 */
};
size_t conditioning_text_count(const struct conditioning *c); /* n */
/* In e's arena until the caller rewinds. */
struct conditioning_texts conditioning_encode(const struct conditioning *c, struct exec *e);

/* The text of row `row` in the evaluation after `evaluation` others: an item of what conditioning_encode
 * gives. */
size_t conditioning_text(const struct conditioning *c, size_t row, int evaluation);

#endif
