#include "tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/clip_chars.h"

static bool is_same(const struct added_token *a, const struct added_token *b)
{
    return strcmp(a->content, b->content) == 0 && a->plain == b->plain && a->normalized == b->normalized &&
           a->special == b->special && a->single_word == b->single_word && a->lstrip == b->lstrip &&
           a->rstrip == b->rstrip;
}

enum ltd_status added_list_add(struct added_list *list, const struct added_token *token,
                               struct ltd_error *err)
{
    const size_t size = strlen(token->content);
    struct added_token *grown;

    for (size_t i = 0; i < list->count; i++)
        if (is_same(&list->token[i], token))
            return LTD_OK;
    if (size == 0 || size > ADDED_MAX_SIZE)
        return ltd_fail(err, LTD_EFORMAT, "an added token of %zu bytes, not 1 to %d", size, ADDED_MAX_SIZE);
    if (list->count == ADDED_MAX_TOKENS)
        return ltd_fail(err, LTD_EFORMAT, "more than %d added tokens", ADDED_MAX_TOKENS);
    grown = realloc(list->token, (list->count + 1) * sizeof *grown);
    if (!grown)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %zu added tokens", list->count + 1);
    list->token = grown;
    grown[list->count] = *token;
    grown[list->count].content = strdup(token->content);
    if (!grown[list->count].content)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %zu added tokens", list->count + 1);
    list->count++;
    return LTD_OK;
}

const struct added_token *added_list_find(const struct added_list *list, const char *content)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->token[i].content, content) == 0)
            return &list->token[i];
    return NULL;
}

void added_list_fini(struct added_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->token[i].content);
    free(list->token);
    *list = (struct added_list){0};
}

static int compare_patterns(const void *left, const void *right)
{
    const struct added_pattern *a = left, *b = right;
    const int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);

    if (order != 0)
        return order;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static enum ltd_status add_pattern(struct added_set *set, const struct added_token *token, size_t rank,
                                   struct clip_normal *normal, struct ltd_error *err)
{
    struct added_pattern *pattern = &set->pattern[set->count];
    const uint8_t *bytes = (const uint8_t *)token->content;
    size_t size = strlen(token->content);

    if (token->normalized) {
        const enum ltd_status status = clip_normal_set(normal, bytes, size, err);

        if (status != LTD_OK)
            return status;
        bytes = normal->bytes;
        size = normal->size;
    }
    *pattern = (struct added_pattern){.bytes = malloc(size), .size = size, .token = *token, .rank = rank};
    if (!pattern->bytes)
        return ltd_fail(err, LTD_ENOMEM, "no memory for an added token of %zu bytes", size);
    memcpy(pattern->bytes, bytes, size);
    pattern->token.content = NULL;
    set->starts[bytes[0]] = true;
    set->count++;
    return LTD_OK;
}

static bool is_last(const struct added_list *list, size_t index)
{
    for (size_t i = index + 1; i < list->count; i++)
        if (strcmp(list->token[i].content, list->token[index].content) == 0)
            return false;
    return true;
}

enum ltd_status added_set_init(struct added_set *set, const struct added_list *list, bool normalized,
                               struct ltd_error *err)
{
    struct added_set made = {.pattern = calloc(list->count + 1, sizeof *made.pattern)};
    struct clip_normal normal = {0};
    enum ltd_status status = LTD_OK;

    if (!made.pattern)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %zu added tokens", list->count);
    for (size_t i = 0; status == LTD_OK && i < list->count; i++) {
        const struct added_token *token = &list->token[i];

        if (token->normalized == normalized && is_last(list, i))
            status = add_pattern(&made, token, i, &normal, err);
    }
    clip_normal_fini(&normal);
    if (status != LTD_OK) {
        added_set_fini(&made);
        return status;
    }
    qsort(made.pattern, made.count, sizeof *made.pattern, compare_patterns);
    *set = made;
    return LTD_OK;
}

void added_set_fini(struct added_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->pattern[i].bytes);
    free(set->pattern);
    *set = (struct added_set){0};
}

/* The first pattern of [low, high), which share their first `depth` bytes, whose next byte is at least byte;
 * patterns that end at depth come before all others. */
static size_t lower_bound(const struct added_set *set, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct added_pattern *p = &set->pattern[middle];

        if (p->size == depth || p->bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest pattern that text begins with; NULL when there is none. */
static const struct added_pattern *longest_at(const struct added_set *set, const uint8_t *text, size_t size)
{
    const struct added_pattern *longest = NULL;
    size_t low = 0, high = set->count;

    for (size_t depth = 0; depth < size && low < high; depth++) {
        low = lower_bound(set, low, high, depth, text[depth]);
        high = lower_bound(set, low, high, depth, text[depth] + 1);
        /* The first of those that end here has the lowest rank. */
        if (low < high && set->pattern[low].size == depth + 1)
            longest = &set->pattern[low];
    }
    return longest;
}

static bool char_before_in_word(const struct added_cursor *cursor, size_t at)
{
    int32_t c;

    if (at == 0)
        return false;
    clip_char_last(cursor->text, at, &c);
    return clip_char_in_word(c);
}

static bool char_after_in_word(const struct added_cursor *cursor, size_t at)
{
    int32_t c;

    if (at == cursor->size)
        return false;
    clip_char_next(cursor->text + at, cursor->size - at, &c);
    return clip_char_in_word(c);
}

static size_t strip_left(const struct added_cursor *cursor, size_t at)
{
    int32_t c;

    if (at < cursor->done)
        return cursor->done;
    while (at > cursor->done) {
        const size_t size = clip_char_last(cursor->text, at, &c);

        if (clip_char_class(c) != CHAR_SPACE)
            break;
        at -= size;
    }
    return at;
}

static size_t strip_right(struct added_cursor *cursor, size_t at)
{
    int32_t c;

    /* A token inside white space that one before took: no byte is looked at twice. */
    if (at < cursor->stripped)
        at = cursor->stripped;
    while (at < cursor->size) {
        const size_t size = clip_char_next(cursor->text + at, cursor->size - at, &c);

        if (clip_char_class(c) != CHAR_SPACE)
            break;
        at += size;
    }
    cursor->stripped = at;
    return at;
}

/* Sets token_begin, token_end and token_id to the next token; false when there is none. */
static bool find_token(struct added_cursor *cursor)
{
    while (cursor->search < cursor->size) {
        const size_t begin = cursor->search;
        const uint8_t *text = cursor->text + begin;
        const struct added_pattern *found =
            cursor->set->starts[*text] ? longest_at(cursor->set, text, cursor->size - begin) : NULL;
        size_t end;

        if (!found) {
            cursor->search++;
            continue;
        }
        end = cursor->search = begin + found->size;
        if (found->token.single_word &&
            (char_before_in_word(cursor, begin) || char_after_in_word(cursor, end)))
            continue;
        cursor->token_begin = found->token.lstrip ? strip_left(cursor, begin) : begin;
        cursor->token_end = found->token.rstrip ? strip_right(cursor, end) : end;
        cursor->token_id = found->token.id;
        if (cursor->token_begin < cursor->token_end)
            return true;
        /* In white space that the token before has taken. */
        cursor->done = cursor->token_end;
        cursor->token_id = -1;
    }
    return false;
}

void added_cursor_init(struct added_cursor *cursor, const struct added_set *set, const uint8_t *text,
                       size_t size)
{
    *cursor = (struct added_cursor){.set = set, .text = text, .size = size, .token_id = -1};
}

bool added_cursor_next(struct added_cursor *cursor, struct added_span *span)
{
    if (cursor->token_id < 0 && !find_token(cursor)) {
        *span = (struct added_span){.begin = cursor->done, .end = cursor->size, .id = -1};
        cursor->done = cursor->size;
        return span->begin < span->end;
    }
    if (cursor->done < cursor->token_begin) {
        *span = (struct added_span){.begin = cursor->done, .end = cursor->token_begin, .id = -1};
        cursor->done = cursor->token_begin;
        return true;
    }
    *span =
        (struct added_span){.begin = cursor->token_begin, .end = cursor->token_end, .id = cursor->token_id};
    cursor->done = cursor->token_end;
    cursor->token_id = -1;
    return true;
}
