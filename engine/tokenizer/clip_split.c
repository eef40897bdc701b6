#include "tokenizer/clip_split.h"

#include <string.h>

#include "tokenizer/clip_chars.h"

/* The length of the first of `choices` that text begins with; 0 when none. */
static size_t prefix(const char *const *choices, size_t count, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(choices[i]);

        if (size >= length && memcmp(text, choices[i], length) == 0)
            return length;
    }
    return 0;
}

static size_t mark_length(const uint8_t *text, size_t size)
{
    static const char *const marks[] = {"<|startoftext|>", "<|endoftext|>"};

    return prefix(marks, sizeof marks / sizeof *marks, text, size);
}

static size_t contraction_length(const uint8_t *text, size_t size)
{
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

    return prefix(contractions, sizeof contractions / sizeof *contractions, text, size);
}

/* The length of the run of class that text begins with. */
static size_t run_length(enum char_class class, const uint8_t *text, size_t size)
{
    size_t length = 0;

    while (length < size) {
        int32_t c;
        const size_t n = clip_char_next(text + length, size - length, &c);

        if (clip_char_class(c) != class)
            break;
        length += n;
    }
    return length;
}

void clip_split_init(struct clip_split *split, const uint8_t *text, size_t size)
{
    *split = (struct clip_split){.text = text, .size = size};
}

static size_t word_length(struct clip_split *split, enum char_class class, size_t first)
{
    const uint8_t *text = split->text + split->at;
    const size_t left = split->size - split->at;
    size_t length;

    if (split->at >= split->mark_end && *text == '<')
        split->mark_end = split->at + mark_length(text, left);
    if (split->at < split->mark_end)
        return run_length(class, text, split->mark_end - split->at);
    length = *text == '\'' ? contraction_length(text, left) : 0;
    if (length > 0)
        return length;
    return class == CHAR_NUMBER ? first : run_length(class, text, left);
}

bool clip_split_next(struct clip_split *split, const uint8_t **word, size_t *size)
{
    while (split->at < split->size) {
        int32_t c;
        const size_t first = clip_char_next(split->text + split->at, split->size - split->at, &c);
        const enum char_class class = clip_char_class(c);

        if (class != CHAR_SPACE) {
            *word = split->text + split->at;
            *size = word_length(split, class, first);
            split->at += *size;
            return true;
        }
        split->at += first;
    }
    return false;
}
