#include "pipeline/embeddings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/weight_folder.h"
#include "text/embedding_file.h"

enum { MAX_EMBEDDINGS = 4096, MAX_NAME_TOKENS = 256 };

struct reading {
    struct embeddings *out;
    const struct clip_tokenizer *tokenizer;
    struct clip_text *const *text; /* [2] */
    size_t most_vectors;
};

/* The usable embedding that a name calls already: the first one counts. */
static const char *find_taken(const struct reading *r, const int32_t *ids, size_t count)
{
    const struct prompt_name *other = count > 0 ? prompt_names_find(&r->out->names, ids, count) : NULL;

    return other && other->length == count && other->vectors > 0 ? other->name : NULL;
}

/* The vectors of a file, as ids of the text encoder; what is wrong with it goes into why. */
static enum ltd_status read_vectors(const struct reading *r, const char *path, int32_t *first, size_t *count,
                                    struct ltd_error *why)
{
    const size_t channels[2] = {clip_text_config(r->text[0])->channels,
                                r->text[1] ? clip_text_config(r->text[1])->channels : 0};
    struct embedding_vectors vectors;
    enum ltd_status st = embedding_file_read(path, channels, r->most_vectors, &vectors, why);
    int32_t second = 0;

    if (st == LTD_OK)
        st = clip_text_extend(r->text[0], vectors.first, vectors.count, first, why);
    if (st == LTD_OK && r->text[1])
        st = clip_text_extend(r->text[1], vectors.second, vectors.count, &second, why);
    /* A prompt has the same ids for both. */
    if (st == LTD_OK && r->text[1] && second != *first)
        st = ltd_fail(why, LTD_EUNSUPPORTED,
                      "cannot be used: this model's text encoders have vocabularies of unequal size");
    *count = st == LTD_OK ? vectors.count : 0;
    embedding_vectors_fini(&vectors);
    return st;
}

/* What speaks against an embedding before its file is looked at. */
static enum ltd_status check_name(const struct reading *r, const struct folder_file *file, const int32_t *ids,
                                  size_t tokens, struct ltd_error *why)
{
    const char *taken = find_taken(r, ids, tokens <= MAX_NAME_TOKENS ? tokens : 0);

    if (tokens == 0 || tokens > MAX_NAME_TOKENS)
        return ltd_fail(why, LTD_EINVAL, "has a name of %zu tokens, by which no prompt can call it", tokens);
    if (taken)
        return ltd_fail(why, LTD_EINVAL, "has the tokens of another one's name, \"%.80s\"", taken);
    if (folder_file_is_pickle(file))
        return ltd_fail(
            why, LTD_EUNSUPPORTED,
            "is a pickle (%s), which is never read; convert it to .safetensors, with its one tensor named "
            "emb_params",
            file->ending);
    return LTD_OK;
}

static struct embedding *add_item(const struct reading *r, const struct folder_file *file, bool *changed)
{
    struct embedding *item = realloc(r->out->item, (r->out->count + 1) * sizeof *item);

    if (!item)
        return NULL;
    r->out->item = item;
    item += r->out->count;
    *item = (struct embedding){.name = folder_file_name(file, changed)};
    r->out->count += item->name != NULL;
    return item->name ? item : NULL;
}

static enum ltd_status add_file(void *arg, const struct folder_file *file, struct ltd_error *err)
{
    const struct reading *r = arg;
    struct embedding *item;
    struct ltd_error why;
    int32_t ids[MAX_NAME_TOKENS], first = 0;
    size_t tokens = 0;
    bool changed = false;
    enum ltd_status st;

    if (r->out->count == MAX_EMBEDDINGS)
        return ltd_fail(err, LTD_ETOOBIG, "there are more than %d embeddings", MAX_EMBEDDINGS);
    item = add_item(r, file, &changed);
    if (!item)
        return ltd_fail(err, LTD_ENOMEM, "no memory for embeddings");
    if (changed)
        st = ltd_fail(&why, LTD_EINVAL, "has a file name that is not UTF-8");
    else
        st = clip_tokenizer_words(r->tokenizer, item->name, strlen(item->name), ids, MAX_NAME_TOKENS, &tokens,
                                  &why);
    if (st == LTD_OK)
        st = check_name(r, file, ids, tokens, &why);
    if (st == LTD_OK)
        st = read_vectors(r, file->path, &first, &item->vectors, &why);
    if (st == LTD_ENOMEM || (st != LTD_OK && !(item->refused = strdup(why.message))))
        return ltd_fail(err, LTD_ENOMEM, "no memory for embeddings");
    if (tokens > MAX_NAME_TOKENS || find_taken(r, ids, tokens))
        return LTD_OK;
    return prompt_names_add(&r->out->names, item->name, ids, tokens, first, item->vectors, err);
}

enum ltd_status embeddings_read(struct embeddings *embeddings, const char *dir,
                                const struct clip_tokenizer *tokenizer, struct clip_text *const text[2],
                                size_t most_vectors, struct ltd_error *err)
{
    struct reading r = {embeddings, tokenizer, text, most_vectors};

    return weight_folder_read(dir, "embeddings", add_file, &r, err);
}

void embeddings_fini(struct embeddings *embeddings)
{
    for (size_t i = 0; i < embeddings->count; i++) {
        free(embeddings->item[i].name);
        free(embeddings->item[i].refused);
    }
    free(embeddings->item);
    prompt_names_fini(&embeddings->names);
    *embeddings = (struct embeddings){0};
}

const char *embeddings_refusal(const struct embeddings *embeddings, const struct prompt_name *name)
{
    for (size_t i = 0; i < embeddings->count; i++)
        if (embeddings->item[i].name == name->name)
            return embeddings->item[i].refused;
    return "";
}
