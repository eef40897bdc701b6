#include "pipeline/prompt_memory.h"

#include <stdlib.h>
#include <string.h>

static size_t key_size(const struct prompt_row *row)
{
    return ((row->ids_2 ? 2 : 1) * row->tokens + 1) * sizeof *row->ids;
}

/* [skip, ids, ids_2], key_size bytes; the caller frees it; NULL without memory. */
static int32_t *make_key(const struct prompt_row *row)
{
    int32_t *key = malloc(key_size(row));

    if (key) {
        key[0] = (int32_t)row->skip;
        memcpy(key + 1, row->ids, row->tokens * sizeof *key);
        if (row->ids_2)
            memcpy(key + 1 + row->tokens, row->ids_2, row->tokens * sizeof *key);
    }
    return key;
}

const struct cached_value *prompt_recall(struct value_cache *memory, const struct prompt_row *row)
{
    int32_t *key = make_key(row);
    const struct cached_value *value = key ? value_cache_find(memory, key, key_size(row)) : NULL;

    free(key);
    return value;
}

void prompt_remember(struct value_cache *memory, const struct prompt_row *row, struct tensor encoded)
{
    int32_t *key = make_key(row);

    if (key)
        value_cache_put(memory, key, key_size(row), encoded.data,
                        tensor_count(encoded) * sizeof *encoded.data);
    free(key);
}
