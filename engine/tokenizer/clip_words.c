#include "tokenizer/clip_words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tokenizer/bpe.h"

static void add(struct ltd_json *vocab, const char *token, uint64_t *id)
{
    ltd_json_add(vocab, token, ltd_json_new_uint64((*id)++));
}

/* Those that are spelled as themselves come first. */
static void add_bytes(struct ltd_json *vocab, const char *end, uint64_t *id)
{
    for (int themselves = 1; themselves >= 0; themselves--)
        for (int byte = 0; byte < 256; byte++) {
            char token[16];
            const size_t size = bpe_spell_byte(byte, token);

            if (bpe_spells_itself(byte) != themselves)
                continue;
            snprintf(token + size, sizeof token - size, "%s", end);
            add(vocab, token, id);
        }
}

struct ltd_json *clip_words_vocab(void)
{
    struct ltd_json *vocab = ltd_json_new_object();
    const char *line = (const char *)clip_merges, *end = line + clip_merges_size;
    uint64_t id = 0;

    if (!vocab)
        return NULL;
    add_bytes(vocab, "", &id);
    add_bytes(vocab, "</w>", &id);
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line)),
                   *space = memchr(line, ' ', (size_t)(next - line));
        char token[256];

        if (line != (const char *)clip_merges) { /* the first line names the version */
            snprintf(token, sizeof token, "%.*s%.*s", (int)(space - line), line, (int)(next - space - 1),
                     space + 1);
            add(vocab, token, &id);
        }
        line = next + 1;
    }
    add(vocab, "<|startoftext|>", &id);
    add(vocab, "<|endoftext|>", &id);
    return vocab;
}
