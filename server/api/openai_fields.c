#include "api/openai_fields.h"

#include <string.h>

static const char OPENAI_QUALITY_WORDS[] =
#define OPENAI_QUALITY(name, percent) #name " "
#include "api/openai_qualities.def"
#undef OPENAI_QUALITY
    ;

const struct openai_field openai_fields[OPENAI_FIELD_COUNT] = {
#define G OPENAI_G
#define E OPENAI_E
#define V OPENAI_V
#define OPENAI_FIELD(id, name, also, routes, shape, low, high, words, native, fate, about)               \
    {name, also, (unsigned)(routes), OPENAI_SHAPE_##shape, low, high, words, native, OPENAI_FATE_##fate, \
     about},
#include "api/openai_fields.def"
#undef OPENAI_FIELD
#undef G
#undef E
#undef V
};

static const struct {
    const char *name;
    int percent;
} qualities[OPENAI_QUALITY_COUNT] = {
#define OPENAI_QUALITY(name, percent) {#name, percent},
#include "api/openai_qualities.def"
#undef OPENAI_QUALITY
};

const char *openai_quality_name(enum openai_quality quality)
{
    return qualities[quality].name;
}

int openai_quality_percent(enum openai_quality quality)
{
    return qualities[quality].percent;
}

int openai_word_index(const char *words, const char *text)
{
    const size_t length = strlen(text);

    for (int index = 0; *words; index++) {
        const size_t each = strcspn(words, " ");

        if (each == length && strncmp(words, text, length) == 0)
            return index;
        words += each;
        words += *words == ' ';
    }
    return -1;
}
