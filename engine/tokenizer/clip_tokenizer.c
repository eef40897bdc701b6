#include "tokenizer/clip_tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/clip_chars.h"
#include "tokenizer/clip_split.h"
#include "tokenizer/tokenizer_config.h"
#include "tokenizer/tokenizer_words.h"
#include "tokenizer/vocab.h"

static const char comma[] = ",</w>";

struct clip_tokenizer {
    struct bpe *bpe;
    struct added_set raw, normalized;
    int32_t role_id[ROLE_COUNT];
    int32_t comma;
    int vocab_size;
    int max_length;
};

/* ---- opening ---- */

/* A token that the vocabulary lacks gets the next id after it. */
static void number_added(struct clip_tokenizer *tokenizer, struct added_list *added,
                         const struct vocab *vocab)
{
    tokenizer->vocab_size = vocab->count;
    for (size_t i = 0; i < added->count; i++) {
        struct added_token *token = &added->token[i];

        const struct added_token *first = added_list_find(added, token->content);

        token->id = first < token ? first->id : vocab_find(vocab, token->content, strlen(token->content));
        if (token->id < 0)
            token->id = tokenizer->vocab_size++;
    }
}

static enum ltd_status open_parts(struct clip_tokenizer *tokenizer, struct tokenizer_config *config,
                                  const struct tokenizer_words *words, struct ltd_error *err)
{
    const struct vocab *vocab = &words->vocab;
    const char *unknown = config->role_content[ROLE_UNK];
    enum ltd_status status = bpe_read(words->merges, words->merges_size, words->merges_name, vocab,
                                      vocab_find(vocab, unknown, strlen(unknown)), &tokenizer->bpe, err);

    if (status != LTD_OK)
        return status;
    number_added(tokenizer, &config->added, vocab);
    for (int role = 0; role < ROLE_COUNT; role++)
        tokenizer->role_id[role] = added_list_find(&config->added, config->role_content[role])->id;
    tokenizer->comma = vocab_find(vocab, comma, sizeof comma - 1);
    tokenizer->max_length = config->max_length;
    status = added_set_init(&tokenizer->raw, &config->added, false, err);
    if (status != LTD_OK)
        return status;
    return added_set_init(&tokenizer->normalized, &config->added, true, err);
}

static enum ltd_status open_tokenizer(const char *dir, const char *pad, struct clip_tokenizer **out,
                                      struct ltd_error *err)
{
    const char *name = dir ? dir : "the built-in vocabulary";
    struct tokenizer_config config = {0};
    struct tokenizer_words words = {0};
    struct clip_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    enum ltd_status status;

    if (!tokenizer)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the tokenizer", name);
    status = dir ? tokenizer_words_open(&words, dir, err) : tokenizer_words_builtin(&words, err);
    if (status == LTD_OK)
        status = tokenizer_config_read(&config, dir, words.added, pad, err);
    if (status == LTD_OK)
        status = open_parts(tokenizer, &config, &words, err);
    tokenizer_config_fini(&config);
    tokenizer_words_close(&words);
    if (status == LTD_OK)
        *out = tokenizer;
    else
        clip_tokenizer_close(tokenizer);
    return status;
}

enum ltd_status clip_tokenizer_open(const char *dir, struct clip_tokenizer **out, struct ltd_error *err)
{
    return open_tokenizer(dir, NULL, out, err);
}

enum ltd_status clip_tokenizer_open_padded(const char *dir, const char *pad, struct clip_tokenizer **out,
                                           struct ltd_error *err)
{
    return open_tokenizer(dir, pad, out, err);
}

enum ltd_status clip_tokenizer_open_builtin(const char *pad, struct clip_tokenizer **out,
                                            struct ltd_error *err)
{
    return open_tokenizer(NULL, pad, out, err);
}

void clip_tokenizer_close(struct clip_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    bpe_close(tokenizer->bpe);
    added_set_fini(&tokenizer->raw);
    added_set_fini(&tokenizer->normalized);
    free(tokenizer);
}

int clip_tokenizer_vocab_size(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->vocab_size;
}

int clip_tokenizer_max_length(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->max_length;
}

int clip_tokenizer_bos(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->role_id[ROLE_BOS];
}

int clip_tokenizer_eos(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->role_id[ROLE_EOS];
}

int clip_tokenizer_pad(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->role_id[ROLE_PAD];
}

int clip_tokenizer_comma(const struct clip_tokenizer *tokenizer)
{
    return tokenizer->comma;
}

/* ---- encoding ---- */

/* One call of clip_tokenizer_encode. */
struct encoding {
    const struct clip_tokenizer *tokenizer;
    struct clip_normal normal;
    struct bpe_scratch bpe;
    int32_t *ids;
    size_t room;  /* ids */
    size_t count; /* tokens so far, also of those that found no room */
    struct ltd_error *err;
};

static void put_ids(struct encoding *encoding, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count && encoding->count + i < encoding->room; i++)
        encoding->ids[encoding->count + i] = ids[i];
    encoding->count += count;
}

static enum ltd_status encode_words(struct encoding *encoding, const uint8_t *text, size_t size)
{
    struct clip_split split;
    const uint8_t *word;
    size_t word_size, count;

    clip_split_init(&split, text, size);
    while (clip_split_next(&split, &word, &word_size)) {
        const enum ltd_status status =
            bpe_encode(encoding->tokenizer->bpe, word, word_size, &encoding->bpe, &count, encoding->err);

        if (status != LTD_OK)
            return status;
        put_ids(encoding, encoding->bpe.ids, count);
    }
    return LTD_OK;
}

/* Text without tokens of the raw set. */
static enum ltd_status encode_plain(struct encoding *encoding, const uint8_t *text, size_t size)
{
    struct added_cursor cursor;
    struct added_span span;
    enum ltd_status status = clip_normal_set(&encoding->normal, text, size, encoding->err);

    if (status != LTD_OK)
        return status;
    text = encoding->normal.bytes;
    added_cursor_init(&cursor, &encoding->tokenizer->normalized, text, encoding->normal.size);
    while (status == LTD_OK && added_cursor_next(&cursor, &span)) {
        if (span.id >= 0)
            put_ids(encoding, &span.id, 1);
        else
            status = encode_words(encoding, text + span.begin, span.end - span.begin);
    }
    return status;
}

static enum ltd_status encode_text(struct encoding *encoding, const uint8_t *text, size_t size)
{
    struct added_cursor cursor;
    struct added_span span;
    enum ltd_status status = LTD_OK;

    added_cursor_init(&cursor, &encoding->tokenizer->raw, text, size);
    while (status == LTD_OK && added_cursor_next(&cursor, &span)) {
        if (span.id >= 0)
            put_ids(encoding, &span.id, 1);
        else
            status = encode_plain(encoding, text + span.begin, span.end - span.begin);
    }
    return status;
}

enum ltd_status clip_tokenizer_words(const struct clip_tokenizer *tokenizer, const char *text, size_t size,
                                     int32_t *ids, size_t room, size_t *count, struct ltd_error *err)
{
    struct encoding encoding = {.tokenizer = tokenizer, .ids = ids, .room = room, .err = err};
    enum ltd_status status;

    if (!clip_utf8_valid((const uint8_t *)text, size))
        return ltd_fail(err, LTD_EINVAL, "the prompt is not valid UTF-8");
    status = encode_text(&encoding, (const uint8_t *)text, size);
    if (status == LTD_OK)
        *count = encoding.count;
    clip_normal_fini(&encoding.normal);
    bpe_scratch_fini(&encoding.bpe);
    return status;
}

enum ltd_status clip_tokenizer_encode(const struct clip_tokenizer *tokenizer, const char *text, size_t size,
                                      int32_t *ids, int length, size_t *cut, struct ltd_error *err)
{
    const size_t room = length < 2 ? 0 : (size_t)length - 2;
    int32_t *words = malloc((room + 1) * sizeof *words);
    enum ltd_status status;
    size_t count, kept;

    if (length < 2)
        status = ltd_fail(err, LTD_EINVAL, "a length of %d tokens has no room for the two marks", length);
    else if (!words)
        status = ltd_fail(err, LTD_ENOMEM, "no memory for %d tokens", length);
    else
        status = clip_tokenizer_words(tokenizer, text, size, words, room, &count, err);
    if (status == LTD_OK) {
        kept = count < room ? count : room;
        ids[0] = tokenizer->role_id[ROLE_BOS];
        memcpy(ids + 1, words, kept * sizeof *ids);
        ids[kept + 1] = tokenizer->role_id[ROLE_EOS];
        for (size_t i = kept + 2; i < (size_t)length; i++)
            ids[i] = tokenizer->role_id[ROLE_PAD];
        if (cut)
            *cut = count - kept;
    }
    free(words);
    return status;
}
