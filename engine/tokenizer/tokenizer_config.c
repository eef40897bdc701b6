#include "tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_file.h"

#define EXTRA_KEY     "extra_special_tokens"
#define OLD_EXTRA_KEY "additional_special_tokens"

enum { DEFAULT_MAX_LENGTH = 77, LEAST_MAX_LENGTH = 3, MOST_MAX_LENGTH = 4096 };

/* Keys of the special tokens in the order in which the reference adds them. */
static const struct special_key {
    const char *key;
    int role;            /* ROLE_COUNT: none that this tokenizer uses, but it is recognised in the text */
    const char *content; /* when no file says */
} special_keys[] = {
    {"bos_token", ROLE_BOS, "<|startoftext|>"}, {"eos_token", ROLE_EOS, "<|endoftext|>"},
    {"unk_token", ROLE_UNK, "<|endoftext|>"},   {"sep_token", ROLE_COUNT, NULL},
    {"pad_token", ROLE_PAD, "<|endoftext|>"},   {"cls_token", ROLE_COUNT, NULL},
    {"mask_token", ROLE_COUNT, NULL},
};

enum { SPECIAL_KEYS = sizeof special_keys / sizeof *special_keys };

/* One of the files; root is NULL when it is absent or does not count. */
struct source {
    char *path;
    struct ltd_json *root;
};

static enum ltd_status open_source(struct source *source, const char *dir, const char *name,
                                   struct ltd_error *err)
{
    enum ltd_status status;

    if (!dir)
        return LTD_OK;
    source->path = tokenizer_path(dir, name);
    if (!source->path)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for a path in it", dir);
    status = tokenizer_json_read(source->path, &source->root, err);
    if (status == LTD_ENOTFOUND)
        return LTD_OK;
    return status;
}

static void close_source(struct source *source)
{
    free(source->path);
    ltd_json_free(source->root);
}

static bool flag(const struct ltd_json *token, const char *key, bool absent)
{
    const struct ltd_json *value = ltd_json_get(token, key);

    return value ? ltd_json_bool(value) : absent;
}

/* A token as the files write it.  content is borrowed from the value. */
static enum ltd_status parse_token(const struct ltd_json *value, bool special, const char *path,
                                   const char *key, struct added_token *out, struct ltd_error *err)
{
    const bool object = ltd_json_type(value) == LTD_JSON_OBJECT;
    const char *content = ltd_json_string(object ? ltd_json_get(value, "content") : value);

    if (!content)
        return ltd_fail(err, LTD_EFORMAT,
                        "%s: '%.60s' is neither a string nor an object with one as 'content'", path, key);
    *out = (struct added_token){.content = (char *)(uintptr_t)content, .id = -1};
    out->plain = !object;
    out->special = special || flag(value, "special", false);
    out->normalized_given = ltd_json_get(value, "normalized") != NULL;
    out->normalized = flag(value, "normalized", !out->special);
    out->single_word = flag(value, "single_word", false);
    out->lstrip = flag(value, "lstrip", false);
    out->rstrip = flag(value, "rstrip", false);
    return LTD_OK;
}

static enum ltd_status add_token(struct added_list *list, const struct added_token *token, const char *path,
                                 struct ltd_error *err)
{
    struct ltd_error why = {0};
    const enum ltd_status status = added_list_add(list, token, &why);

    return status == LTD_OK ? LTD_OK : ltd_fail(err, status, "%s: %s", path, why.message);
}

/* ---- added_tokens_decoder and added_tokens.json: tokens with ids, which give the order only ---- */

static bool parse_index(const char *text, int64_t *out)
{
    const size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || text[digits])
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static enum ltd_status add_numbered(struct added_list *list, const struct added_token *token,
                                    const char *path, struct ltd_error *err)
{
    if (added_list_find(list, token->content))
        return ltd_fail(err, LTD_EFORMAT, "%s: the added token '%.60s' stands there twice", path,
                        token->content);
    return add_token(list, token, path, err);
}

static enum ltd_status read_decoder(struct added_list *list, const struct source *source,
                                    struct ltd_error *err)
{
    const struct ltd_json *decoder = ltd_json_get(source->root, "added_tokens_decoder");
    enum ltd_status status = LTD_OK;

    if (ltd_json_type(decoder) != LTD_JSON_OBJECT)
        return ltd_fail(err, LTD_EFORMAT, "%s: 'added_tokens_decoder' is not an object", source->path);
    for (const struct ltd_json *m = ltd_json_first(decoder); m && status == LTD_OK; m = ltd_json_next(m)) {
        const char *key = ltd_json_key(m);
        struct added_token token;
        int64_t order;

        if (ltd_json_type(m) != LTD_JSON_OBJECT || !parse_index(key, &order))
            return ltd_fail(err, LTD_EFORMAT, "%s: added_tokens_decoder: '%.60s' is not an id with an object",
                            source->path, key);
        status = parse_token(m, false, source->path, key, &token, err);
        token.order = order;
        if (status == LTD_OK)
            status = add_numbered(list, &token, source->path, err);
    }
    return status;
}

/* added_tokens of a tokenizer.json: a list of tokens, each with its id. */
static enum ltd_status read_list(struct added_list *list, const struct ltd_json *added, const char *dir,
                                 struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;

    for (const struct ltd_json *v = ltd_json_first(added); v && status == LTD_OK; v = ltd_json_next(v)) {
        struct added_token token;
        uint64_t order;

        if (!ltd_json_uint64(ltd_json_get(v, "id"), &order) || order > INT32_MAX)
            return ltd_fail(err, LTD_EFORMAT, "%s: a token of added_tokens in tokenizer.json has no small id",
                            dir);
        status = parse_token(v, false, dir, "added_tokens", &token, err);
        token.order = (int64_t)order;
        if (status == LTD_OK)
            status = add_numbered(list, &token, dir, err);
    }
    return status;
}

static bool is_text(const struct ltd_json *value, const char *content)
{
    return ltd_json_string(value) && strcmp(ltd_json_string(value), content) == 0;
}

static bool list_has(const struct ltd_json *list, const char *content)
{
    for (const struct ltd_json *v = ltd_json_first(list); v; v = ltd_json_next(v))
        if (is_text(v, content) || is_text(ltd_json_get(v, "content"), content))
            return true;
    return false;
}

/* Whether a special key or an extra list names content.  Objects count in special_tokens_map.json alone: the
 * reference compares before it reads those of the other file. */
static bool names_special(const struct source *file, const struct source *map, const char *content)
{
    const struct ltd_json *extra = ltd_json_get(file->root, EXTRA_KEY);

    for (size_t i = 0; i < SPECIAL_KEYS; i++) {
        const struct ltd_json *in_map = ltd_json_get(map->root, special_keys[i].key);
        const struct ltd_json *value = in_map ? in_map : ltd_json_get(file->root, special_keys[i].key);

        if (is_text(value, content) || is_text(ltd_json_get(in_map, "content"), content))
            return true;
    }
    if (ltd_json_size(extra) == 0)
        extra = ltd_json_get(file->root, OLD_EXTRA_KEY);
    return list_has(extra, content) || list_has(ltd_json_get(map->root, EXTRA_KEY), content);
}

static enum ltd_status read_legacy(struct added_list *list, const struct source *source,
                                   const struct source *config, const struct source *map,
                                   struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;

    for (const struct ltd_json *m = ltd_json_first(source->root); m && status == LTD_OK;
         m = ltd_json_next(m)) {
        const char *content = ltd_json_key(m);
        const bool special = names_special(config, map, content);
        uint64_t order;

        if (!ltd_json_uint64(m, &order) || order > INT32_MAX)
            return ltd_fail(err, LTD_EFORMAT, "%s: the id of '%.60s' is not a small integer", source->path,
                            content);
        status = add_numbered(list,
                              &(struct added_token){.content = (char *)(uintptr_t)content,
                                                    .order = (int64_t)order,
                                                    .id = -1,
                                                    .special = special,
                                                    .normalized = !special,
                                                    .normalized_given = true},
                              source->path, err);
    }
    return status;
}

static int compare_order(const void *left, const void *right)
{
    const int64_t a = ((const struct added_token *)left)->order;
    const int64_t b = ((const struct added_token *)right)->order;

    return a < b ? -1 : a > b;
}

static enum ltd_status sort_numbered(struct added_list *list, const char *path, struct ltd_error *err)
{
    if (list->count > 1)
        qsort(list->token, list->count, sizeof *list->token, compare_order);
    for (size_t i = 1; i < list->count; i++)
        if (list->token[i].order == list->token[i - 1].order)
            return ltd_fail(err, LTD_EFORMAT, "%s: the added tokens '%.60s' and '%.60s' have one id", path,
                            list->token[i - 1].content, list->token[i].content);
    return LTD_OK;
}

/* ---- special tokens ---- */

/* A numbered token of the same content is the same token, and keeps the flags that it was given there. */
static bool promote_numbered(struct added_list *list, size_t numbered, const char *content, bool named)
{
    for (size_t i = 0; i < numbered; i++) {
        struct added_token *token = &list->token[i];

        if (strcmp(token->content, content) != 0)
            continue;
        token->special |= named;
        if (token->special && !token->normalized_given)
            token->normalized = false;
        return true;
    }
    return false;
}

/* One value of a special key, or (not named) of an extra list. */
static enum ltd_status add_special(struct added_list *list, size_t numbered, const struct ltd_json *value,
                                   const struct source *source, bool special, bool named, const char *key,
                                   const char **content, struct ltd_error *err)
{
    struct added_token token;
    const enum ltd_status status =
        parse_token(value, special || named || ltd_json_string(value), source->path, key, &token, err);

    if (status != LTD_OK)
        return status;
    *content = token.content;
    if (promote_numbered(list, numbered, token.content, named))
        return LTD_OK;
    return add_token(list, &token, source->path, err);
}

/* own: what it is whatever the files say, or NULL */
static enum ltd_status read_special_key(struct tokenizer_config *config, size_t numbered,
                                        const struct special_key *key, const char *own,
                                        const struct source *file, const struct source *map,
                                        struct ltd_error *err)
{
    const struct ltd_json *in_map = ltd_json_get(map->root, key->key);
    const struct ltd_json *value = in_map ? in_map : ltd_json_get(file->root, key->key);
    const char *content = own ? own : key->content;
    enum ltd_status status = LTD_OK;

    if (own || (!value && content)) {
        const struct added_token token = {
            .content = (char *)(uintptr_t)content, .id = -1, .plain = true, .special = true};

        if (!promote_numbered(&config->added, numbered, content, true))
            status = add_token(&config->added, &token, file->path, err);
    } else if (value && (content || ltd_json_type(value) != LTD_JSON_NULL)) {
        status = add_special(&config->added, numbered, value, in_map ? map : file, in_map != NULL, true,
                             key->key, &content, err);
    }
    if (status != LTD_OK || key->role == ROLE_COUNT)
        return status;
    config->role_content[key->role] = strdup(content);
    if (!config->role_content[key->role])
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for its special tokens", file->path);
    return LTD_OK;
}

/* Keys of a model's own: "image_token" and so on. */
static bool is_own_key(const struct ltd_json *member)
{
    const char *key = ltd_json_key(member);
    const size_t size = strlen(key), suffix = strlen("_token");

    if (size < suffix || strcmp(key + size - suffix, "_token") != 0)
        return false;
    for (size_t i = 0; i < SPECIAL_KEYS; i++)
        if (strcmp(key, special_keys[i].key) == 0)
            return false;
    return ltd_json_string(member) || ltd_json_type(member) == LTD_JSON_OBJECT;
}

/* Of one own key in both files, tokenizer_config.json's counts when it is a string, else the other one. */
static enum ltd_status read_own_keys(struct added_list *list, size_t numbered, const struct source *source,
                                     const struct source *other, bool is_map, struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;
    const char *content;

    for (const struct ltd_json *m = ltd_json_first(source->root); m && status == LTD_OK;
         m = ltd_json_next(m)) {
        const struct ltd_json *rival = is_own_key(m) ? ltd_json_get(other->root, ltd_json_key(m)) : NULL;
        const bool loses = rival && (ltd_json_string(is_map ? rival : m) != NULL) == is_map;

        if (is_own_key(m) && !loses)
            status = add_special(list, numbered, m, source, is_map, true, ltd_json_key(m), &content, err);
    }
    return status;
}

/* A list of tokens, or an object of names and tokens; NULL is none. */
static enum ltd_status read_extra(struct added_list *list, size_t numbered, const struct ltd_json *extra,
                                  const struct source *source, bool is_map, struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;
    const char *content;

    for (const struct ltd_json *v = ltd_json_first(extra); v && status == LTD_OK; v = ltd_json_next(v))
        status = add_special(list, numbered, v, source, is_map, false, EXTRA_KEY, &content, err);
    return status;
}

/* What is recognised without having a role. */
static enum ltd_status read_others(struct added_list *list, size_t numbered, const struct source *file,
                                   const struct source *map, struct ltd_error *err)
{
    const struct ltd_json *in_file = ltd_json_get(file->root, EXTRA_KEY);
    const struct ltd_json *in_map = ltd_json_get(map->root, EXTRA_KEY);
    enum ltd_status status = read_own_keys(list, numbered, file, map, false, err);

    /* The older name counts where the newer one says nothing. */
    if (ltd_json_size(in_file) == 0)
        in_file = ltd_json_get(file->root, OLD_EXTRA_KEY);
    if (!in_map && !in_file)
        in_map = ltd_json_get(map->root, OLD_EXTRA_KEY);
    if (status == LTD_OK)
        status = read_own_keys(list, numbered, map, file, true, err);
    if (status == LTD_OK)
        status = read_extra(list, numbered, in_file, file, false, err);
    return status == LTD_OK ? read_extra(list, numbered, in_map, map, true, err) : status;
}

/* ---- settings ---- */

static enum ltd_status check_settings(const struct source *source, struct ltd_error *err)
{
    static const char *const sides[] = {"padding_side", "truncation_side"};

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const struct ltd_json *side = ltd_json_get(source->root, sides[i]);

        if (side && (!ltd_json_string(side) || strcmp(ltd_json_string(side), "right") != 0))
            return ltd_fail(err, LTD_EUNSUPPORTED, "%s: '%s' is not \"right\"", source->path, sides[i]);
    }
    if (ltd_json_bool(ltd_json_get(source->root, "split_special_tokens")))
        return ltd_fail(err, LTD_EUNSUPPORTED, "%s: 'split_special_tokens' is on", source->path);
    return LTD_OK;
}

/* transformers writes 1e30 for "no limit". */
static int max_length(const struct ltd_json *root)
{
    const double length = ltd_json_number(ltd_json_get(root, "model_max_length"));

    return length >= LEAST_MAX_LENGTH && length <= MOST_MAX_LENGTH ? (int)length : DEFAULT_MAX_LENGTH;
}

static enum ltd_status read_sources(struct tokenizer_config *config, struct source *file, struct source *map,
                                    struct source *added, const struct ltd_json *listed, const char *dir,
                                    const char *pad, struct ltd_error *err)
{
    const bool decoder = ltd_json_get(file->root, "added_tokens_decoder") != NULL;
    enum ltd_status status = check_settings(file, err);
    size_t numbered;

    if (status != LTD_OK)
        return status;
    config->max_length = max_length(file->root);
    if (decoder) {
        ltd_json_free(map->root);
        map->root = NULL;
        status = read_decoder(&config->added, file, err);
    } else if (listed) {
        status = read_list(&config->added, listed, dir, err);
    } else {
        status = read_legacy(&config->added, added, file, map, err);
    }
    if (status == LTD_OK)
        status = sort_numbered(&config->added, decoder ? file->path : listed ? dir : added->path, err);
    numbered = config->added.count;
    for (size_t i = 0; i < SPECIAL_KEYS && status == LTD_OK; i++)
        status = read_special_key(config, numbered, &special_keys[i],
                                  special_keys[i].role == ROLE_PAD ? pad : NULL, file, map, err);
    return status == LTD_OK ? read_others(&config->added, numbered, file, map, err) : status;
}

enum ltd_status tokenizer_config_read(struct tokenizer_config *out, const char *dir,
                                      const struct ltd_json *added_tokens, const char *pad,
                                      struct ltd_error *err)
{
    struct tokenizer_config config = {0};
    struct source file = {0}, map = {0}, added = {0};
    enum ltd_status status = open_source(&file, dir, "tokenizer_config.json", err);

    if (status == LTD_OK)
        status = open_source(&map, dir, "special_tokens_map.json", err);
    if (status == LTD_OK)
        status = open_source(&added, dir, "added_tokens.json", err);
    if (status == LTD_OK)
        status = read_sources(&config, &file, &map, &added, added_tokens, dir, pad, err);
    close_source(&file);
    close_source(&map);
    close_source(&added);
    if (status == LTD_OK)
        *out = config;
    else
        tokenizer_config_fini(&config);
    return status;
}

void tokenizer_config_fini(struct tokenizer_config *config)
{
    added_list_fini(&config->added);
    for (int role = 0; role < ROLE_COUNT; role++)
        free(config->role_content[role]);
    *config = (struct tokenizer_config){0};
}
