#include "tokenizer/prompt_parts.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/prompt_chars.h"

static const char and_word[] = "AND";

static bool is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* Takes ":number" off the end of a stretch that ends in no white space; returns the new end.  Not a number,
 * and no weight, are "." and "1.5.". */
static size_t take_weight(const char *text, size_t begin, size_t end, double *weight)
{
    size_t at = end, colon;

    while (at > begin && is_number_char(text[at - 1]))
        at--;
    if (at > begin && (text[at - 1] == '+' || text[at - 1] == '-'))
        at--;
    colon = prompt_before_spaces(text, begin, at);
    if (colon == begin || text[colon - 1] != ':' || !prompt_number(text, at, end, weight))
        return end;
    return prompt_before_spaces(text, begin, colon - 1);
}

static enum ltd_status take_part(struct prompt_parts *out, size_t begin, size_t end, struct ltd_error *err)
{
    double weight = 1;

    end = take_weight(out->text, begin, prompt_before_spaces(out->text, begin, end), &weight);
    if (!isfinite((float)weight))
        return ltd_fail(err, LTD_EINVAL, "has a part with a weight that no float can hold");
    out->text[end] = '\0';
    out->part[out->count].text = out->text + begin;
    out->part[out->count++].weight = weight;
    return LTD_OK;
}

enum ltd_status prompt_parts_split(struct prompt_parts *out, const char *text, struct ltd_error *err)
{
    const size_t size = strlen(text);
    enum ltd_status st = LTD_OK;
    size_t begin = 0, end;

    *out = (struct prompt_parts){.text = strdup(text)};
    if (!out->text)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    do {
        if (out->count == PROMPT_MAX_PARTS)
            return ltd_fail(err, LTD_EINVAL, "has more than %d parts joined by AND", PROMPT_MAX_PARTS);
        end = prompt_find_word(text, 0, size, begin, and_word);
        st = take_part(out, begin, end, err);
        begin = end + sizeof and_word - 1;
    } while (st == LTD_OK && end < size);
    return st;
}

void prompt_parts_fini(struct prompt_parts *parts)
{
    free(parts->text);
    *parts = (struct prompt_parts){0};
}
