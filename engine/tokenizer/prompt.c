#include "tokenizer/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/clip_chars.h"
#include "tokenizer/prompt_edit.h"

/* A part that is being read. */
struct reading {
    const struct prompt_rules *rules;
    struct prompt *out;
    struct prompt_part *part;
    char *now;    /* its text at a step */
    char **known; /* [PROMPT_MAX_ENCODINGS]: its texts so far, owned */
    size_t bytes; /* of all texts of the prompt */
    int *last;    /* [steps] */
    struct ltd_error *err;
};

static enum ltd_status too_much(const struct reading *r)
{
    return ltd_fail(r->err, LTD_EINVAL,
                    "comes to more than %d chunks or %d bytes in all its parts and changes",
                    PROMPT_MAX_ENCODINGS, PROMPT_MAX_TEXT_BYTES);
}

static bool grow_texts(struct prompt *p)
{
    struct prompt_text *text = realloc(p->text, (p->texts + 1) * sizeof *text);

    if (text)
        p->text = text;
    return text != NULL;
}

/* Adds what has been appended to the chunks since there were `before` as a text. */
static enum ltd_status add_text(struct prompt *p, struct prompt_part *part, size_t before,
                                struct ltd_error *err)
{
    const size_t chunks = p->chunks.count - before;

    if (!grow_texts(p))
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    p->text[p->texts++] = (struct prompt_text){before, chunks, 0};
    part->texts++;
    if (chunks > part->chunks)
        part->chunks = chunks;
    return LTD_OK;
}

static enum ltd_status read_text(struct reading *r, const char *text)
{
    const size_t before = r->out->chunks.count;
    struct prompt_pieces pieces;
    enum ltd_status st = prompt_pieces_split(&pieces, text, r->err);

    if (st == LTD_OK)
        st = prompt_chunks_add(&r->out->chunks, &r->rules->reader, &pieces, r->err);
    r->out->break_is_word |= pieces.break_is_word;
    prompt_pieces_fini(&pieces);
    return st == LTD_OK ? add_text(r->out, r->part, before, r->err) : st;
}

/* The place of r->now among the part's texts, which it joins if it is new. */
static enum ltd_status take_text(struct reading *r, size_t length, size_t *place)
{
    const size_t known = r->part->texts;

    for (*place = 0; *place < known; ++*place)
        if (strcmp(r->known[*place], r->now) == 0)
            return LTD_OK;
    if (known == PROMPT_MAX_ENCODINGS || r->bytes + length > PROMPT_MAX_TEXT_BYTES)
        return too_much(r);
    r->bytes += length;
    r->known[known] = strdup(r->now);
    return r->known[known] ? read_text(r, r->now) : ltd_fail(r->err, LTD_ENOMEM, "no memory for the prompt");
}

static enum ltd_status read_turns(struct reading *r, const struct prompt_edit *edit)
{
    struct prompt *p = r->out;
    const size_t turns = prompt_edit_turns(edit, r->rules->steps, r->last);
    struct prompt_turn *turn = realloc(p->turn, (p->turns + turns) * sizeof *turn);
    enum ltd_status st = LTD_OK;

    if (!turn)
        return ltd_fail(r->err, LTD_ENOMEM, "no memory for the prompt");
    p->turn = turn;
    r->part->first_turn = p->turns;
    r->part->first_text = p->texts;
    for (size_t i = 0; st == LTD_OK && i < turns; i++) {
        size_t place, length = prompt_edit_text(edit, r->last[i], r->rules->steps, r->now);

        st = take_text(r, length, &place);
        if (st != LTD_OK)
            break;
        turn[p->turns++] = (struct prompt_turn){r->last[i], r->part->first_text + place};
        p->text[r->part->first_text + place].turns++;
        r->part->turns++;
    }
    return st;
}

static enum ltd_status read_part(struct reading *r, const char *text)
{
    struct prompt_edit *edit = NULL;
    enum ltd_status st = prompt_edit_parse(text, &edit, r->err);

    r->known = calloc(PROMPT_MAX_ENCODINGS, sizeof *r->known);
    r->now = malloc(strlen(text) + 1);
    if (st == LTD_OK && (!r->known || !r->now))
        st = ltd_fail(r->err, LTD_ENOMEM, "no memory for the prompt");
    if (st == LTD_OK)
        st = read_turns(r, edit);
    for (size_t i = 0; r->known && i < PROMPT_MAX_ENCODINGS; i++)
        free(r->known[i]);
    free(r->known);
    free(r->now);
    prompt_edit_free(edit);
    return st;
}

static enum ltd_status read_parts(struct reading *r, const struct prompt_parts *parts)
{
    struct prompt *p = r->out;
    size_t encodings = 0;
    enum ltd_status st = LTD_OK;

    for (size_t i = 0; st == LTD_OK && i < parts->count; i++) {
        r->part = &p->part[p->parts++];
        *r->part = (struct prompt_part){.weight = parts->part[i].weight};
        st = read_part(r, parts->part[i].text);
        encodings += r->part->texts * r->part->chunks;
        if (st == LTD_OK && encodings > PROMPT_MAX_ENCODINGS)
            st = too_much(r);
    }
    return st;
}

static enum ltd_status read_grammar(struct prompt *out, const struct prompt_rules *rules, const char *text,
                                    struct ltd_error *err)
{
    struct reading r = {.rules = rules, .out = out, .err = err};
    struct prompt_parts parts = {.part = {{text, 1}}, .count = 1};
    enum ltd_status st = LTD_OK;

    if (rules->steps > PROMPT_MAX_STEPS)
        return ltd_fail(err, LTD_EINVAL, "cannot be read for more than %d steps; take fewer",
                        PROMPT_MAX_STEPS);
    r.last = calloc((size_t)rules->steps, sizeof *r.last);
    if (!r.last)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    if (rules->joins)
        st = prompt_parts_split(&parts, text, err);
    if (st == LTD_OK)
        st = read_parts(&r, &parts);
    prompt_parts_fini(&parts);
    free(r.last);
    return st;
}

static enum ltd_status read_plain(struct prompt *out, const struct prompt_rules *rules, const char *text,
                                  struct ltd_error *err)
{
    struct prompt_part *part = &out->part[out->parts++];
    enum ltd_status st;

    *part = (struct prompt_part){.weight = 1, .turns = 1};
    st = prompt_chunks_add_cut(&out->chunks, &rules->reader, text, &out->cut, err);
    if (st == LTD_OK)
        st = add_text(out, part, 0, err);
    if (st != LTD_OK)
        return st;
    out->turn = malloc(sizeof *out->turn);
    if (!out->turn)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    out->turn[out->turns++] = (struct prompt_turn){rules->steps, 0};
    out->text[0].turns = 1;
    return LTD_OK;
}

enum ltd_status prompt_read(struct prompt *out, const struct prompt_rules *rules, const char *text,
                            struct ltd_error *err)
{
    *out = (struct prompt){0};
    if (!clip_utf8_valid((const uint8_t *)text, strlen(text)))
        return ltd_fail(err, LTD_EINVAL, "the prompt is not valid UTF-8");
    return (rules->grammar ? read_grammar : read_plain)(out, rules, text, err);
}

void prompt_fini(struct prompt *prompt)
{
    prompt_chunks_fini(&prompt->chunks);
    free(prompt->text);
    free(prompt->turn);
    *prompt = (struct prompt){0};
}

size_t prompt_text_at(const struct prompt *prompt, size_t part, int evaluation)
{
    const struct prompt_part *p = &prompt->part[part];
    size_t turn = p->first_turn;

    while (turn + 1 < p->first_turn + p->turns && evaluation > prompt->turn[turn].last)
        turn++;
    return prompt->turn[turn].text;
}
