#include "tokenizer/vocab.h"

#include <stdlib.h>
#include <string.h>

#include <latentd/json.h>

#include "tokenizer/hash.h"
#include "tokenizer/tokenizer_file.h"

#define VOCAB_FREE UINT32_MAX

struct vocab_token {
    uint32_t begin, size; /* bytes of text */
    int32_t id;
};

static uint64_t hash_bytes(const char *bytes, size_t size)
{
    uint64_t hash = size;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * 0x100000001B3U;
    return hash_mix(hash);
}

/* The slot of the token or the free one where it belongs; SIZE_MAX when neither is near. */
static size_t find_slot(const struct vocab *vocab, const char *bytes, size_t size)
{
    size_t at = (size_t)hash_bytes(bytes, size) & vocab->slot_mask;

    for (int i = 0; i < HASH_MAX_PROBES; i++, at = (at + 1) & vocab->slot_mask) {
        const struct vocab_token *token;

        if (vocab->slot[at] == VOCAB_FREE)
            return at;
        token = &vocab->token[vocab->slot[at]];
        if (token->size == size && memcmp(vocab->text + token->begin, bytes, size) == 0)
            return at;
    }
    return SIZE_MAX;
}

int32_t vocab_find(const struct vocab *vocab, const char *token, size_t size)
{
    const size_t at = find_slot(vocab, token, size);

    if (at == SIZE_MAX || vocab->slot[at] == VOCAB_FREE)
        return -1;
    return vocab->token[vocab->slot[at]].id;
}

/* Allocates for count tokens of text_size bytes in all. */
static enum ltd_status reserve(struct vocab *vocab, size_t count, size_t text_size, const char *path,
                               struct ltd_error *err)
{
    const size_t slots = hash_slots(count);

    vocab->text = malloc(text_size + 1);
    vocab->token = malloc(count * sizeof *vocab->token);
    vocab->slot = malloc(slots * sizeof *vocab->slot);
    if (!vocab->text || !vocab->token || !vocab->slot)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for %zu tokens", path, count);
    memset(vocab->slot, 0xFF, slots * sizeof *vocab->slot);
    vocab->slot_mask = slots - 1;
    return LTD_OK;
}

/* Checks what does not need the table: the number of tokens, their sizes. */
static enum ltd_status measure(const struct ltd_json *root, const char *path, size_t *text_size,
                               struct ltd_error *err)
{
    const size_t count = ltd_json_size(root);

    if (count == 0 || count > VOCAB_MAX_TOKENS)
        return ltd_fail(err, LTD_EFORMAT, "%s: %zu tokens, not 1 to %d", path, count, VOCAB_MAX_TOKENS);
    for (const struct ltd_json *m = ltd_json_first(root); m; m = ltd_json_next(m)) {
        const size_t size = strlen(ltd_json_key(m));

        if (size == 0 || size > VOCAB_MAX_TOKEN_SIZE)
            return ltd_fail(err, LTD_EFORMAT, "%s: a token of %zu bytes, not 1 to %d", path, size,
                            VOCAB_MAX_TOKEN_SIZE);
        *text_size += size;
    }
    return LTD_OK;
}

/* id_seen: one byte an id. */
static enum ltd_status fill(struct vocab *vocab, const struct ltd_json *root, uint8_t *id_seen,
                            const char *path, struct ltd_error *err)
{
    const size_t count = ltd_json_size(root);
    uint32_t index = 0, used = 0;

    for (const struct ltd_json *m = ltd_json_first(root); m; m = ltd_json_next(m), index++) {
        const char *name = ltd_json_key(m);
        const size_t size = strlen(name), at = find_slot(vocab, name, size);
        uint64_t id;

        if (!ltd_json_uint64(m, &id) || id >= count)
            return ltd_fail(err, LTD_EFORMAT, "%s: the id of '%.60s' is not an integer from 0 to %zu", path,
                            name, count - 1);
        if (id_seen[id])
            return ltd_fail(err, LTD_EFORMAT, "%s: '%.60s' and another token both have id %d", path, name,
                            (int)id);
        if (at == SIZE_MAX)
            return ltd_fail(err, LTD_EFORMAT, "%s: made so that its tokens collide", path);
        if (vocab->slot[at] != VOCAB_FREE)
            return ltd_fail(err, LTD_EFORMAT, "%s: the token '%.60s' stands there twice", path, name);
        id_seen[id] = 1;
        memcpy(vocab->text + used, name, size);
        vocab->token[index] = (struct vocab_token){.begin = used, .size = (uint32_t)size, .id = (int32_t)id};
        vocab->slot[at] = index;
        used += (uint32_t)size;
    }
    vocab->count = (int32_t)count;
    return LTD_OK;
}

enum ltd_status vocab_read(struct vocab *out, const struct ltd_json *root, const char *path,
                           struct ltd_error *err)
{
    struct vocab vocab = {0};
    uint8_t *id_seen = NULL;
    size_t text_size = 0;
    enum ltd_status status = measure(root, path, &text_size, err);

    if (status == LTD_OK)
        status = reserve(&vocab, ltd_json_size(root), text_size, path, err);
    if (status == LTD_OK) {
        id_seen = calloc(ltd_json_size(root), 1);
        status = id_seen
                     ? fill(&vocab, root, id_seen, path, err)
                     : ltd_fail(err, LTD_ENOMEM, "%s: no memory for %zu tokens", path, ltd_json_size(root));
    }
    free(id_seen);
    if (status == LTD_OK)
        *out = vocab;
    else
        vocab_close(&vocab);
    return status;
}

enum ltd_status vocab_open(struct vocab *out, const char *path, struct ltd_error *err)
{
    struct ltd_json *root = NULL;
    enum ltd_status status = tokenizer_json_read(path, &root, err);

    if (status == LTD_OK)
        status = vocab_read(out, root, path, err);
    ltd_json_free(root);
    return status;
}

void vocab_close(struct vocab *vocab)
{
    free(vocab->text);
    free(vocab->token);
    free(vocab->slot);
    *vocab = (struct vocab){0};
}
