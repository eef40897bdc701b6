#include "tokenizer/prompt_edit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/prompt_chars.h"
#include "tokenizer/prompt_pieces.h"

enum node_kind {
    NODE_TEXT,
    NODE_GROUP,    /* its children one after the other */
    NODE_SWITCH,   /* its first child, then its second; both are groups */
    NODE_ALTERNATE /* its children, groups, by turns */
};

struct node {
    enum node_kind kind;
    size_t begin, end;  /* of a text's bytes */
    size_t first, next; /* child and sibling, 0: none; node 0 is the prompt, and nobody's */
    double when;        /* of a switch */
    bool is_share;
};

struct prompt_edit {
    const char *text;
    struct node *node;
    size_t count, room;
};

struct parser {
    struct prompt_edit *edit;
    const char *text;
    size_t size, at;
    int depth;
    enum ltd_status status;
    struct ltd_error *err;
};

/* What comes into one group. */
struct list {
    size_t group, last; /* nodes; last 0: the group is empty */
};

/* 0 without memory, which ends the parsing. */
static size_t add_node(struct parser *p, enum node_kind kind)
{
    struct prompt_edit *edit = p->edit;

    if (edit->count == edit->room) {
        const size_t room = edit->room * 2 + 16;
        struct node *node = realloc(edit->node, room * sizeof *node);

        if (!node) {
            p->status = ltd_fail(p->err, LTD_ENOMEM, "no memory for the prompt");
            return 0;
        }
        edit->node = node;
        edit->room = room;
    }
    edit->node[edit->count] = (struct node){.kind = kind};
    return edit->count++;
}

static bool append(struct parser *p, struct list *list, size_t node)
{
    if (node == 0)
        return false;
    if (list->last)
        p->edit->node[list->last].next = node;
    else
        p->edit->node[list->group].first = node;
    list->last = node;
    return true;
}

static bool append_text(struct parser *p, struct list *list, size_t begin, size_t end)
{
    const size_t node = add_node(p, NODE_TEXT);

    if (node) {
        p->edit->node[node].begin = begin;
        p->edit->node[node].end = end;
    }
    return append(p, list, node);
}

static bool is_next(const struct parser *p, char c)
{
    return p->at < p->size && p->text[p->at] == c;
}

/* A character that makes up the grammar, as itself. */
static bool append_mark(struct parser *p, struct list *list, char mark)
{
    if (!is_next(p, mark))
        return false;
    p->at++;
    return append_text(p, list, p->at - 1, p->at);
}

static size_t plain_end(const struct parser *p)
{
    size_t at = p->at;

    while (at < p->size && !strchr("[]():|", p->text[at])) {
        if (p->text[at] == '\\' && (at + 1 == p->size || p->text[at + 1] == '\n'))
            break;
        at += p->text[at] == '\\' ? 2 : 1;
    }
    return at;
}

static bool parse_brackets(struct parser *p, struct list *list);

/* Everything up to a character that may not stand inside of brackets; false: one opens something that is
 * none. */
static bool parse_inside(struct parser *p, struct list *list)
{
    while (p->status == LTD_OK) {
        const size_t end = plain_end(p);

        if (end > p->at) {
            if (!append_text(p, list, p->at, end))
                return false;
            p->at = end;
        } else if (!is_next(p, '(') && !is_next(p, '[')) {
            return true;
        } else if (!parse_brackets(p, list)) {
            return false;
        }
    }
    return false;
}

/* A group of its own, which is its list's group; false as parse_inside. */
static bool parse_group(struct parser *p, struct list *list)
{
    *list = (struct list){add_node(p, NODE_GROUP), 0};
    return list->group && parse_inside(p, list);
}

static bool parse_round(struct parser *p, struct list *list)
{
    if (!append_mark(p, list, '(') || !parse_inside(p, list))
        return false;
    if (is_next(p, ':') && !(append_mark(p, list, ':') && parse_inside(p, list)))
        return false;
    return append_mark(p, list, ')');
}

static size_t digits_end(const struct parser *p, size_t at)
{
    return at + strspn(p->text + at, "0123456789");
}

/* The end of a number at `at`, or `at`: there is none. */
static size_t number_end(const struct parser *p, size_t at)
{
    const size_t begin = at + (p->text[at] == '+' || p->text[at] == '-');
    size_t end = digits_end(p, begin), exponent;
    size_t digits = end - begin;

    if (p->text[end] == '.') {
        const size_t fraction = digits_end(p, end + 1);

        digits += fraction - end - 1;
        end = fraction;
    }
    if (digits == 0)
        return at;
    if (p->text[end] == 'e' || p->text[end] == 'E') {
        exponent = end + 1 + (p->text[end + 1] == '+' || p->text[end + 1] == '-');
        if (digits_end(p, exponent) > exponent)
            end = digits_end(p, exponent);
    }
    return end;
}

/* "when]" at `at`, white space around it; what it says goes into the node.  Moves on behind it, or returns
 * false. */
static bool parse_when(struct parser *p, size_t at, size_t node)
{
    const size_t begin = prompt_after_spaces(p->text, at, p->size), end = number_end(p, begin);
    const size_t after = prompt_after_spaces(p->text, end, p->size);

    if (end == begin || after == p->size || p->text[after] != ']')
        return false;
    p->edit->node[node].when = strtod(p->text + begin, NULL);
    p->edit->node[node].is_share = memchr(p->text + begin, '.', end - begin) != NULL;
    p->at = after + 1;
    return true;
}

/* From the first colon on: ":when]" or ":b:when]".  `first` is the group before it. */
static bool parse_switch(struct parser *p, struct list *list, size_t first)
{
    const size_t node = add_node(p, NODE_SWITCH);
    struct list children = {node, 0}, second;

    if (node == 0)
        return false;
    p->at++;
    if (parse_when(p, p->at, node))
        return append(p, &children, add_node(p, NODE_GROUP)) && append(p, &children, first) &&
               append(p, list, node);
    if (!parse_group(p, &second) || !is_next(p, ':') || !parse_when(p, p->at + 1, node))
        return false;
    return append(p, &children, first) && append(p, &children, second.group) && append(p, list, node);
}

/* From the first bar on. */
static bool parse_alternate(struct parser *p, struct list *list, size_t first)
{
    const size_t node = add_node(p, NODE_ALTERNATE);
    struct list children = {node, 0}, other;

    if (!append(p, list, node) || !append(p, &children, first))
        return false;
    while (is_next(p, '|')) {
        p->at++;
        if (!parse_group(p, &other) || !append(p, &children, other.group))
            return false;
    }
    if (!is_next(p, ']'))
        return false;
    p->at++;
    return true;
}

static bool parse_square(struct parser *p, struct list *list)
{
    const size_t begin = p->at++;
    struct list inside;

    if (!parse_group(p, &inside))
        return false;
    if (is_next(p, '|'))
        return parse_alternate(p, list, inside.group);
    if (is_next(p, ':'))
        return parse_switch(p, list, inside.group);
    return is_next(p, ']') && append_text(p, list, begin, begin + 1) && append(p, list, inside.group) &&
           append_mark(p, list, ']');
}

/* Something that brackets make, at the one that opens it; false: they make nothing. */
static bool parse_brackets(struct parser *p, struct list *list)
{
    bool made;

    if (p->depth == PROMPT_MAX_DEPTH) {
        p->status = ltd_fail(p->err, LTD_EINVAL, "has brackets nested more than %d deep", PROMPT_MAX_DEPTH);
        return false;
    }
    p->depth++;
    made = p->text[p->at] == '(' ? parse_round(p, list) : parse_square(p, list);
    p->depth--;
    return made;
}

/* Brackets that make nothing are taken back, and the first of them is text. */
static bool try_brackets(struct parser *p, struct list *list)
{
    const struct list before = *list;
    const size_t at = p->at, count = p->edit->count;

    if (parse_brackets(p, list))
        return true;
    if (p->status != LTD_OK)
        return false;
    p->at = at + 1;
    p->edit->count = count;
    *list = before;
    if (list->last)
        p->edit->node[list->last].next = 0;
    else
        p->edit->node[list->group].first = 0;
    return append_text(p, list, at, at + 1);
}

/* The whole prompt; false: there is something that can stand nowhere. */
static bool parse_all(struct parser *p)
{
    struct list list = {0, 0};

    while (p->status == LTD_OK && p->at < p->size) {
        const size_t end = plain_end(p);
        bool taken;

        if (end > p->at) {
            taken = append_text(p, &list, p->at, end);
            p->at = end;
        } else if (is_next(p, '(') || is_next(p, '[')) {
            taken = try_brackets(p, &list);
        } else {
            taken = append_mark(p, &list, ')') || append_mark(p, &list, ']') || append_mark(p, &list, ':');
        }
        if (!taken)
            return false;
    }
    return p->status == LTD_OK;
}

enum ltd_status prompt_edit_parse(const char *text, struct prompt_edit **out, struct ltd_error *err)
{
    struct parser p = {.edit = calloc(1, sizeof *p.edit), .text = text, .size = strlen(text), .err = err};
    struct list whole = {0, 0};

    if (!p.edit)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    p.edit->text = text;
    add_node(&p, NODE_GROUP);
    if (p.status == LTD_OK && !parse_all(&p) && p.status == LTD_OK) {
        p.edit->count = 1;
        p.edit->node[0] = (struct node){.kind = NODE_GROUP};
        append_text(&p, &whole, 0, p.size);
    }
    if (p.status == LTD_OK)
        *out = p.edit;
    else
        prompt_edit_free(p.edit);
    return p.status;
}

void prompt_edit_free(struct prompt_edit *edit)
{
    if (!edit)
        return;
    free(edit->node);
    free(edit);
}

/* The last step with a switch's first child; 0: it is never there. */
static int switch_step(const struct node *node, int steps)
{
    const double step = node->is_share ? node->when * steps : node->when;

    if (step >= steps)
        return steps;
    return step < 1 ? 0 : (int)step;
}

size_t prompt_edit_turns(const struct prompt_edit *edit, int steps, int *last)
{
    size_t count = 0;

    for (int i = 0; i < steps; i++)
        last[i] = i + 1 == steps;
    for (size_t i = 0; i < edit->count; i++) {
        const int step = edit->node[i].kind == NODE_SWITCH ? switch_step(&edit->node[i], steps) : 0;

        if (step > 0)
            last[step - 1] = 1;
        for (int k = 0; k < steps && edit->node[i].kind == NODE_ALTERNATE; k++)
            last[k] = 1;
    }
    for (int i = 0; i < steps; i++)
        if (last[i])
            last[count++] = i + 1;
    return count;
}

static size_t write_text(const struct prompt_edit *edit, const struct node *node, int step, int steps,
                         char *out)
{
    const struct node *all = edit->node;
    size_t length = 0, child = node->first;

    switch (node->kind) {
    case NODE_TEXT:
        memcpy(out, edit->text + node->begin, node->end - node->begin);
        return node->end - node->begin;
    case NODE_SWITCH:
        if (step > switch_step(node, steps))
            child = all[child].next;
        return write_text(edit, &all[child], step, steps, out);
    case NODE_ALTERNATE:
        break;
    case NODE_GROUP:
        for (; child; child = all[child].next)
            length += write_text(edit, &all[child], step, steps, out + length);
        return length;
    }
    for (; child; child = all[child].next)
        length++;
    child = node->first;
    for (size_t i = 0; i < (size_t)(step - 1) % length; i++)
        child = all[child].next;
    return write_text(edit, &all[child], step, steps, out);
}

size_t prompt_edit_text(const struct prompt_edit *edit, int step, int steps, char *out)
{
    const size_t length = write_text(edit, edit->node, step, steps, out);

    out[length] = '\0';
    return length;
}
