/*
 * fuzz_prompt.c - a hostile prompt, read by the grammar and without it.
 *
 * The first byte of the input says how: bit 0 grammar, bit 1 joins, bit 2 a chunk of 77 ids instead of 5; the
 * second one how many steps there are.
 */
#include "tokenizer/prompt.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { GRAMMAR = 1, JOINS = 2, LONG = 4, VOCABULARY = 8, VECTORS = 3, MAX_TEXT = 1 << 16 };

static const char vocab[] =
    "{\"a\":0,\"b\":1,\"b</w>\":2,\"a</w>\":3,\"ab</w>\":4,\",</w>\":5,\"<|startoftext|>\":6,\"<|endoftext|>\":7}";
static const char merges[] = "a b</w>\n";

static struct clip_tokenizer *tokenizer;
static struct prompt_names names;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    PROMISE(file && fwrite(text, 1, strlen(text), file) == strlen(text));
    fclose(file);
}

static void open_tokenizer(void)
{
    static const int32_t name[] = {4, 3}; /* "ab a" */
    char folder[] = "/tmp/ltd-fuzz-prompt-XXXXXX", vocab_path[64], merges_path[64];

    PROMISE(mkdtemp(folder));
    snprintf(vocab_path, sizeof vocab_path, "%s/vocab.json", folder);
    snprintf(merges_path, sizeof merges_path, "%s/merges.txt", folder);
    write_file(vocab_path, vocab);
    write_file(merges_path, merges);
    PROMISE(clip_tokenizer_open(folder, &tokenizer, NULL) == LTD_OK);
    PROMISE(clip_tokenizer_vocab_size(tokenizer) == VOCABULARY);
    PROMISE(prompt_names_add(&names, "ab a", name, 2, VOCABULARY, VECTORS, NULL) == LTD_OK);
    unlink(vocab_path);
    unlink(merges_path);
    rmdir(folder);
}

static void close_tokenizer(void)
{
    prompt_names_fini(&names);
    clip_tokenizer_close(tokenizer);
}

static void check_chunks(const struct prompt_chunks *chunks, size_t length)
{
    for (size_t i = 0; i < chunks->count * length; i++) {
        PROMISE(chunks->ids[i] >= 0 && chunks->ids[i] < VOCABULARY + VECTORS);
        PROMISE(isfinite(chunks->weights[i]));
        PROMISE(i % length != 0 || chunks->ids[i] == clip_tokenizer_bos(tokenizer));
        PROMISE(i % length != length - 1 || chunks->ids[i] == clip_tokenizer_eos(tokenizer));
    }
}

static void check_part(const struct prompt *p, size_t i, int steps)
{
    const struct prompt_part *part = &p->part[i];
    size_t turns = 0;
    int last = 0;

    PROMISE(part->texts > 0 && part->turns > 0 && part->chunks > 0 &&
            part->first_turn + part->turns <= p->turns);
    PROMISE(isfinite((float)part->weight));
    for (size_t k = part->first_turn; k < part->first_turn + part->turns; k++) {
        PROMISE(p->turn[k].last > last);
        last = p->turn[k].last;
    }
    PROMISE(last == steps);
    for (size_t k = part->first_text; k < part->first_text + part->texts; k++) {
        const struct prompt_text *text = &p->text[k];

        PROMISE(text->chunks > 0 && text->chunks <= part->chunks);
        PROMISE(text->first + text->chunks <= p->chunks.count);
        turns += text->turns;
    }
    PROMISE(turns == part->turns);
    for (int e = 0; e <= steps + 1; e++)
        PROMISE(prompt_text_at(p, i, e) - part->first_text < part->texts);
}

static void check_prompt(const struct prompt *p, const struct prompt_rules *rules)
{
    size_t encodings = 0;

    PROMISE(p->parts > 0 && p->parts <= PROMPT_MAX_PARTS);
    PROMISE((rules->grammar && rules->joins) || p->parts == 1);
    PROMISE(rules->grammar || p->chunks.count == 1);
    check_chunks(&p->chunks, rules->reader.length);
    for (size_t i = 0; i < p->parts; i++) {
        check_part(p, i, rules->steps);
        encodings += p->part[i].texts * p->part[i].chunks;
    }
    PROMISE(encodings <= PROMPT_MAX_ENCODINGS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[MAX_TEXT + 1];
    struct prompt_rules rules;
    struct prompt prompt;
    struct ltd_error err = {.message = ""};
    enum ltd_status st;

    if (size < 2 || size - 2 > MAX_TEXT)
        return 0;
    if (!tokenizer) {
        open_tokenizer();
        atexit(close_tokenizer);
    }
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    rules = (struct prompt_rules){{tokenizer, &names, data[0] & LONG ? 77 : 5},
                                  data[0] & GRAMMAR,
                                  data[0] & JOINS,
                                  data[1] > 0 ? data[1] : 1};
    st = prompt_read(&prompt, &rules, text, &err);
    PROMISE(st == LTD_OK || (st == LTD_EINVAL && err.message[0]));
    if (st == LTD_OK)
        check_prompt(&prompt, &rules);
    prompt_fini(&prompt);
    return 0;
}
