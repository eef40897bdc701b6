#include "tokenizer/prompt_chars.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/clip_chars.h"

size_t prompt_after_spaces(const char *text, size_t at, size_t end)
{
    int32_t code_point;

    while (at < end) {
        const size_t length = clip_char_next((const uint8_t *)text + at, end - at, &code_point);

        if (clip_char_class(code_point) != CHAR_SPACE)
            break;
        at += length;
    }
    return at;
}

size_t prompt_before_spaces(const char *text, size_t begin, size_t at)
{
    int32_t code_point;

    while (at > begin) {
        const size_t length = clip_char_last((const uint8_t *)text + begin, at - begin, &code_point);

        if (clip_char_class(code_point) != CHAR_SPACE)
            break;
        at -= length;
    }
    return at;
}

static bool in_word(int32_t code_point)
{
    const enum char_class class = clip_char_class(code_point);

    return class == CHAR_LETTER || class == CHAR_NUMBER || code_point == '_';
}

static bool stands_alone(const char *text, size_t begin, size_t end, size_t at, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    int32_t code_point;

    if (at > begin) {
        clip_char_last(bytes + begin, at - begin, &code_point);
        if (in_word(code_point))
            return false;
    }
    if (at + length < end) {
        clip_char_next(bytes + at + length, end - at - length, &code_point);
        if (in_word(code_point))
            return false;
    }
    return true;
}

size_t prompt_find_word(const char *text, size_t begin, size_t end, size_t at, const char *word)
{
    const size_t length = strlen(word);

    while (at + length <= end) {
        const char *found = memchr(text + at, word[0], end - at - length + 1);

        if (!found)
            break;
        at = (size_t)(found - text);
        if (memcmp(found, word, length) == 0 && stands_alone(text, begin, end, at, length))
            return at;
        at++;
    }
    return end;
}

bool prompt_number(const char *text, size_t begin, size_t end, double *out)
{
    const size_t sign = begin < end && (text[begin] == '+' || text[begin] == '-');
    size_t digits = 0, dots = 0;

    for (size_t i = begin + sign; i < end; i++) {
        digits += text[i] >= '0' && text[i] <= '9';
        dots += text[i] == '.';
    }
    if (digits == 0 || dots > 1 || sign + digits + dots != end - begin)
        return false;
    *out = strtod(text + begin, NULL);
    return true;
}
