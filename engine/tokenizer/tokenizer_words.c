#include "tokenizer/tokenizer_words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tokenizer/clip_words.h"
#include "tokenizer/tokenizer_file.h"

static enum ltd_status fail_memory(const char *dir, struct ltd_error *err)
{
    return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the tokenizer", dir);
}

/* The two pieces of a merge: "left right" or ["left", "right"].  Returns whether it is one. */
static bool merge_pieces(const struct ltd_json *merge, const char **left, size_t *left_size,
                         const char **right)
{
    const char *text = ltd_json_string(merge), *space = text ? strchr(text, ' ') : NULL;

    if (text) {
        *left = text;
        *left_size = space ? (size_t)(space - text) : 0;
        *right = space ? space + 1 : "";
        return space != NULL;
    }
    *left = ltd_json_string(ltd_json_first(merge));
    *right = *left ? ltd_json_string(ltd_json_next(ltd_json_first(merge))) : NULL;
    *left_size = *left ? strlen(*left) : 0;
    return ltd_json_size(merge) == 2 && *left && *right && !strchr(*left, ' ') && !strchr(*right, ' ');
}

/* The merges of a tokenizer.json as lines. */
static enum ltd_status write_lines(struct tokenizer_words *w, const struct ltd_json *merges, const char *path,
                                   struct ltd_error *err)
{
    const char *left, *right;
    size_t left_size, size = 1;
    char *at;

    for (const struct ltd_json *m = ltd_json_first(merges); m; m = ltd_json_next(m)) {
        if (!merge_pieces(m, &left, &left_size, &right) || strchr(right, '\n') ||
            memchr(left, '\n', left_size))
            return ltd_fail(err, LTD_EFORMAT, "%s: a merge is not two pieces", path);
        size += left_size + strlen(right) + 2;
    }
    w->lines = at = malloc(size);
    if (!w->lines)
        return fail_memory(path, err);
    for (const struct ltd_json *m = ltd_json_first(merges); m; m = ltd_json_next(m)) {
        (void)merge_pieces(m, &left, &left_size, &right);
        memcpy(at, left, left_size);
        at += left_size;
        *at++ = ' ';
        at = stpcpy(at, right);
        *at++ = '\n';
    }
    w->merges = w->lines;
    w->merges_size = (size_t)(at - w->lines);
    return LTD_OK;
}

/* The library's other kinds of models, and spellings of a word's end, would give other ids. */
static enum ltd_status check_kind(const struct ltd_json *model, const char *path, struct ltd_error *err)
{
    const char *type = ltd_json_string(ltd_json_get(model, "type"));
    const char *end = ltd_json_string(ltd_json_get(model, "end_of_word_suffix"));

    if ((type && strcmp(type, "BPE") != 0) || !end || strcmp(end, "</w>") != 0)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%s: not a tokenizer of CLIP's kind: its model must be \"BPE\", with the "
                        "end_of_word_suffix \"</w>\"",
                        path);
    if (ltd_json_type(ltd_json_get(model, "vocab")) != LTD_JSON_OBJECT ||
        ltd_json_type(ltd_json_get(model, "merges")) != LTD_JSON_ARRAY)
        return ltd_fail(err, LTD_EFORMAT, "%s: its model has no vocab and merges", path);
    return LTD_OK;
}

/* path becomes merges_name. */
static enum ltd_status open_json(struct tokenizer_words *w, struct ltd_error *err)
{
    const char *path = w->merges_name;
    enum ltd_status status = tokenizer_json_read(path, &w->root, err);
    const struct ltd_json *model = ltd_json_get(w->root, "model");

    if (status == LTD_OK)
        status = check_kind(model, path, err);
    if (status == LTD_OK)
        status = vocab_read(&w->vocab, ltd_json_get(model, "vocab"), path, err);
    if (status == LTD_OK)
        status = write_lines(w, ltd_json_get(model, "merges"), path, err);
    if (status == LTD_OK)
        w->added = ltd_json_get(w->root, "added_tokens");
    return status;
}

static enum ltd_status open_plain(struct tokenizer_words *w, const char *vocab_path, struct ltd_error *err)
{
    enum ltd_status status = vocab_open(&w->vocab, vocab_path, err);

    if (status == LTD_OK)
        status = mapped_file_open(&w->map, w->merges_name, err);
    w->merges = w->map.data;
    w->merges_size = w->map.size;
    return status;
}

enum ltd_status tokenizer_words_open(struct tokenizer_words *out, const char *dir, struct ltd_error *err)
{
    char *vocab = tokenizer_path(dir, "vocab.json"), *json = tokenizer_path(dir, "tokenizer.json");
    enum ltd_status status;

    out->merges_name = tokenizer_path(dir, "merges.txt");
    if (!vocab || !json || !out->merges_name) {
        status = fail_memory(dir, err);
    } else if (access(vocab, F_OK) != 0 && access(json, F_OK) == 0) {
        free(out->merges_name);
        out->merges_name = json;
        json = NULL;
        status = open_json(out, err);
    } else {
        status = open_plain(out, vocab, err);
    }
    free(vocab);
    free(json);
    return status;
}

enum ltd_status tokenizer_words_builtin(struct tokenizer_words *out, struct ltd_error *err)
{
    static const char name[] = "the built-in vocabulary";

    out->root = clip_words_vocab();
    out->merges_name = strdup(name);
    if (!out->root || !out->merges_name)
        return fail_memory(name, err);
    out->merges = clip_merges;
    out->merges_size = clip_merges_size;
    return vocab_read(&out->vocab, out->root, name, err);
}

void tokenizer_words_close(struct tokenizer_words *words)
{
    vocab_close(&words->vocab);
    mapped_file_close(&words->map);
    ltd_json_free(words->root);
    free(words->merges_name);
    free(words->lines);
    *words = (struct tokenizer_words){0};
}
