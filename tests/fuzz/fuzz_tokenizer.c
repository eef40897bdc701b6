/*
 * fuzz_tokenizer.c - a tokenizer's files and a text, both hostile.
 *
 * The input's parts end with the byte 0x1E: vocab.json, merges.txt, tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json, text.  An empty vocab.json stands for a small good tokenizer.
 */
#include "tokenizer/clip_tokenizer.h"

#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { FILES = 5, PARTS = FILES + 1, SEPARATOR = 0x1E, LONG = 77, SHORT = 5 };

static const char *const names[FILES] = {"vocab.json", "merges.txt", "tokenizer_config.json",
                                         "special_tokens_map.json", "added_tokens.json"};
static const char good_vocab[] =
    "{\"a\":0,\"b\":1,\"ab\":2,\"b</w>\":3,\"ab</w>\":4,\"abab</w>\":5,\"<|startoftext|>\":6,\"<|endoftext|>\":7}";
static const char good_merges[] = "a b\na b</w>\nab ab</w>\n";

struct part {
    const uint8_t *bytes;
    size_t size;
};

/* One folder a process, removed at its end. */
static char folder[] = "/tmp/ltd-fuzz-tokenizer-XXXXXX";

static void file_path(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", folder, name);
}

static void remove_folder(void)
{
    char path[128];

    for (int i = 0; i < FILES; i++) {
        file_path(path, sizeof path, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[128];
    FILE *file;

    file_path(path, sizeof path, name);
    unlink(path);
    file = fopen(path, "wb");
    PROMISE(file && fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void split(const uint8_t *data, size_t size, struct part *parts)
{
    for (int i = 0; i < PARTS; i++) {
        const uint8_t *end = i < FILES ? memchr(data, SEPARATOR, size) : NULL;
        const size_t length = end ? (size_t)(end - data) : size;

        parts[i] = (struct part){data, length};
        data += length + (end ? 1 : 0);
        size -= length + (end ? 1 : 0);
    }
}

static void write_files(const struct part *parts)
{
    char path[128];

    write_file(names[0], parts[0].bytes, parts[0].size);
    write_file(names[1], parts[1].bytes, parts[1].size);
    if (parts[0].size == 0) {
        write_file(names[0], good_vocab, strlen(good_vocab));
        write_file(names[1], good_merges, strlen(good_merges));
    }
    for (int i = 2; i < FILES; i++) {
        file_path(path, sizeof path, names[i]);
        unlink(path);
        if (parts[i].size > 0)
            write_file(names[i], parts[i].bytes, parts[i].size);
    }
}

/* Every id is one of the vocabulary, and a shorter encoding is the longer one cut. */
static void encode(const struct clip_tokenizer *tokenizer, const struct part *text)
{
    int32_t ids[LONG], few[SHORT];
    size_t cut, cut_few;
    const enum ltd_status status =
        clip_tokenizer_encode(tokenizer, (const char *)text->bytes, text->size, ids, LONG, &cut, NULL);

    PROMISE(status == LTD_OK || status == LTD_EINVAL);
    if (status != LTD_OK)
        return;
    for (int i = 0; i < LONG; i++)
        PROMISE(ids[i] >= 0 && ids[i] < clip_tokenizer_vocab_size(tokenizer));
    PROMISE(clip_tokenizer_encode(tokenizer, (const char *)text->bytes, text->size, few, SHORT, &cut_few,
                                  NULL) == LTD_OK);
    PROMISE(few[0] == ids[0]);
    if (cut_few > 0)
        PROMISE(memcmp(few, ids, (SHORT - 1) * sizeof *ids) == 0 && cut_few >= cut);
    else
        PROMISE(memcmp(few, ids, sizeof few) == 0 && cut == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    struct part parts[PARTS];
    struct clip_tokenizer *tokenizer = NULL;
    struct ltd_error err = {0};

    if (!made) {
        PROMISE(mkdtemp(folder));
        atexit(remove_folder);
        made = true;
    }
    split(data, size, parts);
    write_files(parts);
    if (clip_tokenizer_open(folder, &tokenizer, &err) == LTD_OK)
        encode(tokenizer, &parts[FILES]);
    else
        PROMISE(!tokenizer && err.status != LTD_OK && err.message[0] != '\0');
    clip_tokenizer_close(tokenizer);
    return 0;
}
