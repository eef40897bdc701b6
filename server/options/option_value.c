#include "options/option_value.h"

#include "util/parse_number.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void *field(const struct option_spec *spec, void *values)
{
    return (char *)values + spec->offset;
}

static const void *const_field(const struct option_spec *spec, const void *values)
{
    return (const char *)values + spec->offset;
}

static bool in_bounds(const struct option_spec *spec, double number)
{
    return spec->max <= spec->min || (number >= spec->min && number <= spec->max);
}

static const char *parse_int(const struct option_spec *spec, int *out, const char *text)
{
    int64_t number;

    if (!parse_int64(text, &number))
        return "a whole number";
    if (number < INT_MIN || number > INT_MAX)
        return "within the bounds of any number here";
    if (!in_bounds(spec, (double)number))
        return "within its bounds";
    *out = (int)number;
    return NULL;
}

static const char *parse_bounded_real(const struct option_spec *spec, double *out, const char *text)
{
    double number;

    if (!parse_real(text, &number))
        return "a number";
    if (!in_bounds(spec, number))
        return "within its bounds";
    *out = number;
    return NULL;
}

static const char *parse_bytes(const struct option_spec *spec, size_t *out, const char *text)
{
    size_t number;

    if (!parse_size(text, &number))
        return "a number of bytes, such as 65536, 64KiB, 64MiB or 1GiB";
    if (!in_bounds(spec, (double)number))
        return "within its bounds";
    *out = number;
    return NULL;
}

static const char *parse_text(char **out, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return "kept, but there is no memory";
    free(*out);
    *out = copy;
    return NULL;
}

static const char *parse_item(struct option_list *list, const char *text)
{
    char **items, *copy;

    if (*text == '\0')
        return "a value";
    items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items)
        list->items = items;
    copy = items ? strdup(text) : NULL;
    if (!copy)
        return "kept, but there is no memory";
    list->items[list->count++] = copy;
    return NULL;
}

static const char *parse_flag(bool *out, const char *text)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return "true or false";
    *out = text[0] == 't';
    return NULL;
}

/* The words of a CHOICE stand in its value column as "a|b|c": the one numbered `number`, not terminated. */
static const char *word_at(const char *words, int number, size_t *length)
{
    for (; number > 0 && *words; number--) {
        words += strcspn(words, "|");
        words += *words == '|';
    }
    *length = strcspn(words, "|");
    return words;
}

static const char *parse_choice(const char *words, int *out, const char *text)
{
    size_t length;
    const char *word;

    for (int i = 0; *(word = word_at(words, i, &length)) != '\0'; i++)
        if (strlen(text) == length && strncmp(text, word, length) == 0) {
            *out = i;
            return NULL;
        }
    return words;
}

const char *option_value_parse(const struct option_spec *spec, void *values, const char *text)
{
    void *out = field(spec, values);

    switch (spec->kind) {
    case OPTION_KIND_INT:
        return parse_int(spec, out, text);
    case OPTION_KIND_UINT64:
        return parse_uint64(text, out) ? NULL : "a whole number from 0 to 18446744073709551615";
    case OPTION_KIND_REAL:
        return parse_bounded_real(spec, out, text);
    case OPTION_KIND_SIZE:
        return parse_bytes(spec, out, text);
    case OPTION_KIND_TEXT:
        return parse_text(out, text);
    case OPTION_KIND_LIST:
        return parse_item(out, text);
    case OPTION_KIND_FLAG:
        return parse_flag(out, text);
    case OPTION_KIND_CHOICE:
        return parse_choice(spec->value, out, text);
    }
    return NULL;
}

void option_value_clear(const struct option_spec *spec, void *values)
{
    if (spec->kind == OPTION_KIND_TEXT) {
        char **text = field(spec, values);

        free(*text);
        *text = NULL;
    } else if (spec->kind == OPTION_KIND_LIST) {
        struct option_list *list = field(spec, values);

        for (size_t i = 0; i < list->count; i++)
            free(list->items[i]);
        free(list->items);
        *list = (struct option_list){0};
    }
}

static void print_size(FILE *out, size_t size)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB"};
    int unit = 0;

    while (unit < 3 && size > 0 && size % 1024 == 0) {
        size /= 1024;
        unit++;
    }
    fprintf(out, "%zu%s", size, units[unit]);
}

void option_print_value(FILE *out, const struct option_spec *spec, const void *values, size_t item)
{
    const void *from = const_field(spec, values);
    const char *word;
    size_t length;

    switch (spec->kind) {
    case OPTION_KIND_INT:
        fprintf(out, "%d", *(const int *)from);
        break;
    case OPTION_KIND_UINT64:
        fprintf(out, "%" PRIu64, *(const uint64_t *)from);
        break;
    case OPTION_KIND_REAL:
        fprintf(out, "%.17g", *(const double *)from);
        break;
    case OPTION_KIND_SIZE:
        print_size(out, *(const size_t *)from);
        break;
    case OPTION_KIND_TEXT:
        fputs(*(char *const *)from, out);
        break;
    case OPTION_KIND_LIST:
        fputs(((const struct option_list *)from)->items[item], out);
        break;
    case OPTION_KIND_FLAG:
        fputs(*(const bool *)from ? "true" : "false", out);
        break;
    case OPTION_KIND_CHOICE:
        word = word_at(spec->value, *(const int *)from, &length);
        fwrite(word, 1, length, out);
        break;
    }
}

void option_print_flag(FILE *out, const char *key)
{
    fputs("--", out);
    for (; *key; key++)
        fputc(*key == '_' ? '-' : *key, out);
}

static void print_bound(FILE *out, const struct option_spec *spec, double bound)
{
    if (spec->kind == OPTION_KIND_SIZE)
        print_size(out, (size_t)bound);
    else
        fprintf(out, "%.15g", bound);
}

void option_print_bounds(FILE *out, const struct option_spec *spec)
{
    const bool bounded = spec->max > spec->min, unit = spec->unit[0] != '\0';
    const bool standard = spec->standard[0] != '\0' && spec->kind != OPTION_KIND_FLAG;

    if (!bounded && !standard)
        return;
    fputs(" (", out);
    if (bounded) {
        print_bound(out, spec, spec->min);
        fputs(" to ", out);
        print_bound(out, spec, spec->max);
        fprintf(out, "%s%s", unit ? " " : "", spec->unit);
    }
    if (standard)
        fprintf(out, "%sdefault %s", bounded ? "; " : "", spec->standard);
    fputc(')', out);
}
