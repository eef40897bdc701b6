#include "tokenizer/clip_chars.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

enum { MAX_DECOMPOSED = 18, DOTTED_CAPITAL_I = 0x130, COMBINING_DOT_ABOVE = 0x307 };

/* STABLE keeps to the composition exclusions. */
static const utf8proc_option_t nfc_options = UTF8PROC_COMPOSE | UTF8PROC_STABLE;

struct char_range {
    int32_t first, last;
};

struct case_range {
    int32_t first, last, lower; /* lower: of first; the others follow it */
};

static const struct char_range new_letters[] = {
#define LETTERS(first, last) {first, last},
#include "tokenizer/clip_chars.def"
#undef LETTERS
};
static const struct char_range new_numbers[] = {
#define NUMBERS(first, last) {first, last},
#include "tokenizer/clip_chars.def"
#undef NUMBERS
};
static const struct case_range new_cases[] = {
#define CASES(first, last, lower) {first, last, lower},
#include "tokenizer/clip_chars.def"
#undef CASES
};

/* In rising order. */
static const struct char_range later_normal[] = {
#define LATER(first, last) {first, last},
#include "tokenizer/clip_chars.def"
#undef LATER
};

static bool in_ranges(const struct char_range *ranges, size_t count, int32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

bool clip_utf8_valid(const uint8_t *text, size_t size)
{
    utf8proc_int32_t c;

    for (size_t at = 0; at < size;) {
        const utf8proc_ssize_t n = utf8proc_iterate(text + at, (utf8proc_ssize_t)(size - at), &c);

        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

size_t clip_char_next(const uint8_t *text, size_t size, int32_t *code_point)
{
    return (size_t)utf8proc_iterate(text, (utf8proc_ssize_t)size, code_point);
}

size_t clip_char_last(const uint8_t *text, size_t size, int32_t *code_point)
{
    size_t begin = size - 1;

    while ((text[begin] & 0xC0) == 0x80)
        begin--;
    return clip_char_next(text + begin, size - begin, code_point);
}

static bool is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

enum char_class clip_char_class(int32_t code_point)
{
    if (is_space(code_point))
        return CHAR_SPACE;
    switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return CHAR_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return CHAR_NUMBER;
    case UTF8PROC_CATEGORY_CN:
        if (in_ranges(new_letters, sizeof new_letters / sizeof *new_letters, code_point))
            return CHAR_LETTER;
        if (in_ranges(new_numbers, sizeof new_numbers / sizeof *new_numbers, code_point))
            return CHAR_NUMBER;
        return CHAR_OTHER;
    default:
        return CHAR_OTHER;
    }
}

bool clip_char_in_word(int32_t code_point)
{
    /* Alphabetic without being letters, marks or letter numbers: circled and squared letters. */
    static const struct char_range other_alphabetic[] = {
        {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};

    switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return clip_char_class(code_point) == CHAR_LETTER || code_point == 0x200C || code_point == 0x200D ||
               in_ranges(other_alphabetic, sizeof other_alphabetic / sizeof *other_alphabetic, code_point);
    }
}

static int32_t lower_case(int32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    for (size_t i = 0; i < sizeof new_cases / sizeof *new_cases; i++)
        if (c >= new_cases[i].first && c <= new_cases[i].last)
            return c - new_cases[i].first + new_cases[i].lower;
    return utf8proc_tolower(c);
}

static int combining_class(int32_t c)
{
    return c < 0x300 ? 0 : (int)utf8proc_get_property(c)->combining_class;
}

/* Stable order by class of a run of marks: a counting sort, for a run may be as long as the text.  spare has
 * room for count. */
static void order_marks(int32_t *marks, size_t count, int32_t *spare)
{
    size_t place[256] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        place[combining_class(marks[i])]++;
    for (size_t i = 0; i < 256; i++) {
        const size_t n = place[i];

        place[i] = sum;
        sum += n;
    }
    for (size_t i = 0; i < count; i++)
        spare[place[combining_class(marks[i])]++] = marks[i];
    memcpy(marks, spare, count * sizeof *marks);
}

/* Unicode's canonical ordering.  (libutf8proc's own is an insertion sort: quadratic.) */
static void order_all_marks(int32_t *code_points, size_t count, int32_t *spare)
{
    for (size_t begin = 0, end; begin < count; begin = end + 1) {
        bool ordered = true;

        for (end = begin; end < count && combining_class(code_points[end]) > 0; end++)
            if (end > begin && combining_class(code_points[end - 1]) > combining_class(code_points[end]))
                ordered = false;
        if (!ordered)
            order_marks(code_points + begin, end - begin, spare);
    }
}

/* Room for n decomposed code points, each of them at most four bytes. */
static enum ltd_status reserve(struct clip_normal *normal, size_t n, struct ltd_error *err)
{
    const size_t wanted = n < 64 ? 64 : n;
    int32_t *code_points;
    uint8_t *bytes;

    if (normal->room >= wanted)
        return LTD_OK;
    /* The second half of code_points is order_marks's spare. */
    if (wanted > SIZE_MAX / (2 * sizeof *code_points))
        return ltd_fail(err, LTD_ENOMEM, "no memory to normalize a text of %zu characters", n);
    code_points = malloc(wanted * 2 * sizeof *code_points);
    bytes = malloc(wanted * 4);
    if (!code_points || !bytes) {
        free(code_points);
        free(bytes);
        return ltd_fail(err, LTD_ENOMEM, "no memory to normalize a text of %zu characters", n);
    }
    clip_normal_fini(normal);
    *normal = (struct clip_normal){.bytes = bytes, .code_points = code_points, .room = wanted};
    return LTD_OK;
}

static size_t decompose(int32_t c, int32_t *parts)
{
    int boundclass = 0;

    if (c < 0xC0) { /* the first that has parts */
        *parts = c;
        return 1;
    }
    return (size_t)utf8proc_decompose_char(c, parts, MAX_DECOMPOSED, nfc_options, &boundclass);
}

static size_t decomposed_length(const uint8_t *text, size_t size)
{
    int32_t parts[MAX_DECOMPOSED], c;
    size_t length = 0;

    for (size_t at = 0; at < size;) {
        at += clip_char_next(text + at, size - at, &c);
        length += decompose(c, parts);
    }
    return length;
}

/* Whether NFC leaves c alone, although libutf8proc would not. */
static bool is_inert(int32_t c)
{
    size_t low = 0, high = sizeof later_normal / sizeof *later_normal;

    /* A vowel that libutf8proc 2.8 takes for the trailing consonant of index 0, and drops. */
    if (c == 0x11A7)
        return true;
    if (c < later_normal[0].first)
        return false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (c > later_normal[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof later_normal / sizeof *later_normal && c >= later_normal[low].first;
}

/* Decomposed code points to ordered and composed ones, in place; returns how many are left. */
static size_t compose(int32_t *code_points, size_t count, int32_t *spare)
{
    order_all_marks(code_points, count, spare);
    return (size_t)utf8proc_normalize_utf32(code_points, (utf8proc_ssize_t)count, nfc_options);
}

/* Fills normal->code_points; returns how many. */
static size_t to_nfc(struct clip_normal *normal, const uint8_t *text, size_t size)
{
    int32_t *out = normal->code_points, *spare = out + normal->room;
    int32_t parts[MAX_DECOMPOSED], c;
    size_t begin = 0, count = 0; /* out[begin, count) is decomposed, what is before it done */

    for (size_t at = 0; at < size;) {
        size_t n;

        at += clip_char_next(text + at, size - at, &c);
        if (is_inert(c)) { /* nothing is ordered or composed across it */
            count = begin + compose(out + begin, count - begin, spare);
            out[count++] = c;
            begin = count;
            continue;
        }
        n = decompose(c, parts);
        memcpy(out + count, parts, n * sizeof *out);
        count += n;
    }
    return begin + compose(out + begin, count - begin, spare);
}

enum ltd_status clip_normal_set(struct clip_normal *normal, const uint8_t *text, size_t size,
                                struct ltd_error *err)
{
    const enum ltd_status status = reserve(normal, decomposed_length(text, size), err);
    uint8_t *to;
    size_t count;
    bool after_space = false;

    if (status != LTD_OK)
        return status;
    count = to_nfc(normal, text, size);
    to = normal->bytes;
    for (size_t i = 0; i < count; i++) {
        const int32_t c = normal->code_points[i];
        const bool space = is_space(c);

        if (space && !after_space)
            *to++ = ' ';
        after_space = space;
        if (space)
            continue;
        if (c == DOTTED_CAPITAL_I) { /* the one code point whose lower case is two */
            *to++ = 'i';
            to += utf8proc_encode_char(COMBINING_DOT_ABOVE, to);
        } else {
            to += utf8proc_encode_char(lower_case(c), to);
        }
    }
    normal->size = (size_t)(to - normal->bytes);
    return LTD_OK;
}

void clip_normal_fini(struct clip_normal *normal)
{
    free(normal->bytes);
    free(normal->code_points);
    *normal = (struct clip_normal){0};
}
