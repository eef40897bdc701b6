#include "handlers/query_table.h"

#include <assert.h>
#include <string.h>

#include "handlers/app.h"

static const struct query_row rows[] = {
#define QUERY(name, type, low, high, words, about) {name, QUERY_##type, low, high, words, about},
#include "handlers/queries.def"
#undef QUERY
};

const struct query_row *query_find(const char *name)
{
    size_t i = 0;

    while (strcmp(rows[i].name, name) != 0) {
        i++;
        /* routes.def names no parameter that queries.def has not. */
        assert(i < sizeof rows / sizeof rows[0]);
    }
    return &rows[i];
}

static struct ltd_json *encode_words(const char *words)
{
    struct ltd_json *list = ltd_json_new_array();
    char word[32];

    while (*words) {
        const size_t length = strcspn(words, " ");

        memcpy(word, words, length);
        word[length] = '\0';
        ltd_json_append(list, ltd_json_new_string(word));
        words += length + (words[length] == ' ');
    }
    return list;
}

struct ltd_json *query_schema(const struct query_row *row)
{
    struct ltd_json *schema = ltd_json_new_object();
    const bool number = row->type == QUERY_NUMBER || row->type == QUERY_INTEGER;

    ltd_json_add(schema, "type",
                 ltd_json_new_string(row->type == QUERY_INTEGER  ? "integer"
                                     : row->type == QUERY_NUMBER ? "number"
                                                                 : "string"));
    if (number) {
        ltd_json_add(schema, "minimum", ltd_json_new_number(row->low));
        ltd_json_add(schema, "maximum", ltd_json_new_number(row->high));
    } else if (row->type == QUERY_TEXT) {
        if (row->high > 0)
            ltd_json_add(schema, "maxLength", ltd_json_new_number(row->high));
    } else if (row->type == QUERY_ID) {
        ltd_json_add(schema, "pattern", ltd_json_new_string("^[0-9a-f]{32}$"));
    } else {
        ltd_json_add(schema, "enum", encode_words(row->words));
    }
    return schema;
}
