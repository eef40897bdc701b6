/*
 * embeddings.h - the textual inversion embeddings that a model's prompts may name.
 */
#ifndef EMBEDDINGS_H
#define EMBEDDINGS_H

#include <stddef.h>

#include <latentd/model.h>

#include "text/clip_text.h"
#include "tokenizer/clip_tokenizer.h"
#include "tokenizer/prompt_names.h"

struct embedding {
    char *name;
    char *refused; /* why it is no use; NULL: it is */
    size_t vectors;
};

struct embeddings {
    struct embedding *item;
    size_t count;
    struct prompt_names names; /* of all of them, the refused ones without vectors */
};

/* What is in `dir`, as ltd_model_add_embeddings has it.  text: the model's encoders, the second one NULL
 * where there is one; both get the same ids for a vector. */
LTD_MUST_USE enum ltd_status embeddings_read(struct embeddings *embeddings, const char *dir,
                                             const struct clip_tokenizer *tokenizer,
                                             struct clip_text *const text[2], size_t most_vectors,
                                             struct ltd_error *err);
void embeddings_fini(struct embeddings *embeddings); /* also of a zeroed struct */

/* Why a name without vectors has none. */
const char *embeddings_refusal(const struct embeddings *embeddings, const struct prompt_name *name);

#endif
