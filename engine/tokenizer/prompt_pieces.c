#include "tokenizer/prompt_pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/prompt_chars.h"

static const double round_weight = 1.1, square_weight = 1 / 1.1;
static const double break_weight = -1; /* what marks a BREAK that no bracket has changed */
static const char break_word[] = "BREAK";

/* The pieces at which brackets of one kind were opened. */
struct open_brackets {
    size_t at[PROMPT_MAX_DEPTH];
    size_t count;
};

struct splitter {
    const char *text;
    size_t size, at;
    struct prompt_pieces *out;
    size_t used; /* bytes of out->text */
    struct open_brackets round, square;
    struct ltd_error *err;
};

static void add_piece(struct splitter *s, const char *text, size_t size, double weight)
{
    struct prompt_piece *piece = &s->out->piece[s->out->count++];

    memcpy(s->out->text + s->used, text, size);
    *piece = (struct prompt_piece){s->used, s->used + size, weight, false};
    s->used += size;
}

static void multiply_from(struct splitter *s, size_t first, double weight)
{
    for (size_t i = first; i < s->out->count; i++)
        s->out->piece[i].weight *= weight;
}

/* Plain text, in which BREAK may stand; the white space around it is dropped. */
static void add_plain(struct splitter *s, size_t begin, size_t end)
{
    size_t found;

    while ((found = prompt_find_word(s->text, s->at, end, begin, break_word)) < end) {
        add_piece(s, s->text + begin, prompt_before_spaces(s->text, begin, found) - begin, 1);
        add_piece(s, break_word, sizeof break_word - 1, break_weight);
        begin = prompt_after_spaces(s->text, found + sizeof break_word - 1, end);
    }
    add_piece(s, s->text + begin, end - begin, 1);
}

static enum ltd_status open_bracket(struct splitter *s, struct open_brackets *open)
{
    if (s->round.count + s->square.count == PROMPT_MAX_DEPTH)
        return ltd_fail(
            s->err, LTD_EINVAL,
            "has more than %d brackets open at one place; close some, or write \\( for a mere bracket",
            PROMPT_MAX_DEPTH);
    open->at[open->count++] = s->out->count;
    s->at++;
    return LTD_OK;
}

/* The end of ":number)" at s->at, or s->at: there is none.  The number is in [*begin, *end). */
static size_t find_weight(const struct splitter *s, size_t *begin, size_t *end)
{
    size_t at = prompt_after_spaces(s->text, s->at + 1, s->size);

    *begin = at;
    if (at < s->size && (s->text[at] == '+' || s->text[at] == '-'))
        at++;
    *end = at + strspn(s->text + at, ".0123456789");
    if (*end == at)
        return s->at;
    at = prompt_after_spaces(s->text, *end, s->size);
    return at < s->size && s->text[at] == ')' ? at + 1 : s->at;
}

static enum ltd_status take_colon(struct splitter *s)
{
    size_t begin, end, after = find_weight(s, &begin, &end);
    double weight;

    if (after > s->at && s->round.count > 0) {
        if (!prompt_number(s->text, begin, end, &weight) || !isfinite((float)weight))
            return ltd_fail(s->err, LTD_EINVAL, "has \"%.*s\" for a weight; write a number such as 1.2",
                            end - begin < 40 ? (int)(end - begin) : 40, s->text + begin);
        multiply_from(s, s->round.at[--s->round.count], weight);
    } else {
        if (after == s->at)
            after++;
        add_plain(s, s->at, after);
    }
    s->at = after;
    return LTD_OK;
}

static void close_bracket(struct splitter *s, struct open_brackets *open, double weight)
{
    if (open->count > 0)
        multiply_from(s, open->at[--open->count], weight);
    else
        add_piece(s, s->text + s->at, 1, 1);
    s->at++;
}

/* A backslash and the bracket or backslash after it; alone it is dropped. */
static void take_escape(struct splitter *s)
{
    const size_t escaped = s->at + 1 < s->size && strchr("()[]\\", s->text[s->at + 1]) ? 1 : 0;

    add_piece(s, s->text + s->at + 1, escaped, 1);
    s->at += 1 + escaped;
}

static enum ltd_status take_next(struct splitter *s)
{
    size_t length;

    switch (s->text[s->at]) {
    case '\\':
        take_escape(s);
        return LTD_OK;
    case '(':
        return open_bracket(s, &s->round);
    case '[':
        return open_bracket(s, &s->square);
    case ')':
        close_bracket(s, &s->round, round_weight);
        return LTD_OK;
    case ']':
        close_bracket(s, &s->square, square_weight);
        return LTD_OK;
    case ':':
        return take_colon(s);
    default:
        length = strcspn(s->text + s->at, "\\()[]:");
        add_plain(s, s->at, s->at + length);
        s->at += length;
        return LTD_OK;
    }
}

/* Neighbours of equal weight become one, as the reference does it before it looks for BREAK. */
static void merge(struct prompt_pieces *pieces)
{
    size_t kept = 0;

    for (size_t i = 1; i < pieces->count; i++) {
        if (pieces->piece[i].weight == pieces->piece[kept].weight)
            pieces->piece[kept].end = pieces->piece[i].end;
        else
            pieces->piece[++kept] = pieces->piece[i];
    }
    pieces->count = kept + 1;
    for (size_t i = 0; i < pieces->count; i++) {
        struct prompt_piece *piece = &pieces->piece[i];
        const size_t size = piece->end - piece->begin;

        if (size != sizeof break_word - 1 || memcmp(pieces->text + piece->begin, break_word, size) != 0)
            continue;
        piece->is_break = piece->weight == break_weight;
        pieces->break_is_word |= !piece->is_break;
    }
}

enum ltd_status prompt_pieces_split(struct prompt_pieces *out, const char *text, struct ltd_error *err)
{
    struct splitter s = {.text = text, .size = strlen(text), .out = out, .err = err};
    enum ltd_status st = LTD_OK;

    *out = (struct prompt_pieces){0};
    /* Each byte makes at most one piece, and BREAK, of five, three. */
    out->text = malloc(s.size + 1);
    out->piece = calloc(s.size + 1, sizeof *out->piece);
    if (!out->text || !out->piece)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    while (st == LTD_OK && s.at < s.size)
        st = take_next(&s);
    if (st != LTD_OK)
        return st;
    while (s.round.count > 0)
        multiply_from(&s, s.round.at[--s.round.count], round_weight);
    while (s.square.count > 0)
        multiply_from(&s, s.square.at[--s.square.count], square_weight);
    if (out->count == 0)
        add_piece(&s, "", 0, 1);
    merge(out);
    for (size_t i = 0; i < out->count; i++)
        if (!isfinite((float)out->piece[i].weight))
            return ltd_fail(err, LTD_EINVAL, "has weights that multiply to more than a float can hold");
    return LTD_OK;
}

void prompt_pieces_fini(struct prompt_pieces *pieces)
{
    free(pieces->text);
    free(pieces->piece);
    *pieces = (struct prompt_pieces){0};
}
