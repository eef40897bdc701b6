#include "pipeline/prompt_memory.h"

#include <stdlib.h>
#include <string.h>

/* [skip, ids]; the caller frees it; NULL without memory. */
static int32_t *make_key(const struct prompt_row *row)
{
    int32_t *key = calloc(row->tokens + 1, sizeof *key);

    if (key) {
        key[0] = (int32_t)row->skip;
        memcpy(key + 1, row->ids, row->tokens * sizeof *key);
    }
    return key;
}

const struct cached_value *prompt_recall(struct value_cache *memory, const struct prompt_row *row)
{
    int32_t *key = make_key(row);
    const struct cached_value *value =
        key ? value_cache_find(memory, key, (row->tokens + 1) * sizeof *key) : NULL;

    free(key);
    return value;
}

void prompt_remember(struct value_cache *memory, const struct prompt_row *row, struct tensor context)
{
    int32_t *key = make_key(row);

    if (key)
        value_cache_put(memory, key, (row->tokens + 1) * sizeof *key, context.data,
                        tensor_count(context) * sizeof *context.data);
    free(key);
}
