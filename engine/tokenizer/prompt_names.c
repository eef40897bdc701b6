#include "tokenizer/prompt_names.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct prompt_name *a, const struct prompt_name *b)
{
    if (a->ids[0] != b->ids[0])
        return a->ids[0] < b->ids[0] ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    if ((a->vectors > 0) != (b->vectors > 0))
        return a->vectors > 0 ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

enum ltd_status prompt_names_add(struct prompt_names *names, const char *name, const int32_t *ids,
                                 size_t length, int32_t first, size_t vectors, struct ltd_error *err)
{
    struct prompt_name added = {
        .name = name, .length = length, .first = first, .vectors = vectors, .order = names->count};
    struct prompt_name *item;
    size_t place = names->count;

    if (length == 0)
        return LTD_OK;
    item = realloc(names->item, (names->count + 1) * sizeof *item);
    if (item)
        names->item = item;
    added.ids = malloc(length * sizeof *ids);
    if (!item || !added.ids) {
        free(added.ids);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the names of embeddings");
    }
    memcpy(added.ids, ids, length * sizeof *ids);
    for (; place > 0 && compare(&added, &item[place - 1]) < 0; place--)
        item[place] = item[place - 1];
    item[place] = added;
    names->count++;
    return LTD_OK;
}

void prompt_names_fini(struct prompt_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->item[i].ids);
    free(names->item);
    *names = (struct prompt_names){0};
}

/* The first name whose first token is no smaller. */
static size_t first_with(const struct prompt_names *names, int32_t id)
{
    size_t low = 0, high = names->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (names->item[middle].ids[0] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct prompt_name *prompt_names_find(const struct prompt_names *names, const int32_t *ids,
                                            size_t count)
{
    for (size_t i = first_with(names, ids[0]); i < names->count && names->item[i].ids[0] == ids[0]; i++) {
        const struct prompt_name *name = &names->item[i];

        if (name->length <= count && memcmp(name->ids, ids, name->length * sizeof *ids) == 0)
            return name;
    }
    return NULL;
}
