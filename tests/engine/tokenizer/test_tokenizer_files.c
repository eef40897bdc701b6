/* Tokenizer folders that are not as they should be: each is refused with a message that says where. */
#include "tokenizer/clip_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define SMALL_VOCAB \
    "{\"a\": 0, \"b\": 1, \"ab\": 2, \"b</w>\": 3, \"ab</w>\": 4, \"<|endoftext|>\": 5, \"<|startoftext|>\": 6}"
#define SMALL_MERGES "#version: 0.2\na b\na b</w>\n"

static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer_config.json",
                                    "special_tokens_map.json", "added_tokens.json"};

struct folder {
    char path[32];
};

static bool folder_new(struct folder *folder)
{
    strcpy(folder->path, "/tmp/ltd-tokenizer-XXXXXX");
    return mkdtemp(folder->path) != NULL;
}

static void folder_write(const struct folder *folder, const char *name, const char *text, size_t size)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    file = fopen(path, "wb");
    if (!file || fwrite(text, 1, size, file) != size)
        check_failed(__FILE__, __LINE__, "%s: cannot write it", path);
    if (file)
        fclose(file);
}

static void folder_free(const struct folder *folder)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        unlink(path);
    }
    rmdir(folder->path);
}

/* Opens the folder; on failure the message is in err. */
static enum ltd_status try_open(const struct folder *folder, struct ltd_error *err)
{
    struct clip_tokenizer *tokenizer = NULL;
    const enum ltd_status status = clip_tokenizer_open(folder->path, &tokenizer, err);

    CHECK((status == LTD_OK) == (tokenizer != NULL));
    clip_tokenizer_close(tokenizer);
    return status;
}

/* Opens a small good folder in which the file `name` is text, and wants status and, in the message, words. */
static void check_file(const char *name, const char *text, enum ltd_status want, const char *words)
{
    struct folder folder;
    struct ltd_error err = {0};
    enum ltd_status got;

    if (!folder_new(&folder)) {
        check_failed(__FILE__, __LINE__, "no temporary folder");
        return;
    }
    folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
    folder_write(&folder, "merges.txt", SMALL_MERGES, strlen(SMALL_MERGES));
    folder_write(&folder, name, text, strlen(text));
    got = try_open(&folder, &err);
    if (got != want)
        check_failed(__FILE__, __LINE__, "%s '%.60s': status %d, not %d: %s", name, text, (int)got, (int)want,
                     err.message);
    if (want != LTD_OK && (!strstr(err.message, name) || !strstr(err.message, words)))
        check_failed(__FILE__, __LINE__, "%s '%.60s': no '%s' in: %s", name, text, words, err.message);
    folder_free(&folder);
}

TEST(merges_that_are_wrong_are_refused_with_their_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"#version: 0.2\na b\n\n", "line 3 "},
        {"a b\nab\n", "line 2 "},
        {"a b\na  b\n", "line 2 "},
        {" b\n", "line 1 "},
        {"a \n", "line 1 "},
        {"a b b\n", "line 1 "},
        {"a b\na b</w>\na b\n", "line 3 has a merge"},
        {"a b\nb a\n", "line 2 makes a token"},
        {"a x\n", "line 1 merges a piece"},
        {"x a\n", "line 1 merges a piece"},
        {"a b\na b</w", "line 2 merges a piece"},
        {"a\tb\n", "line 1 "},
        {"a b\r\nab \r\n", "line 2 "},
        {"ab a\na ab\n", "line 1 makes a token"},
        {"\xFF \xFE\n", "line 1 merges a piece"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_file("merges.txt", cases[i].text, LTD_EFORMAT, cases[i].words);
    check_file("merges.txt", "", LTD_OK, "");
    check_file("merges.txt", "a b\r\na b</w>", LTD_OK, "");
}

TEST(a_vocabulary_that_is_wrong_is_refused)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", ""},
        {"[]", "must be a JSON object"},
        {"{}", "0 tokens"},
        {"{\"a\": 0, \"a\": 1}", "a"},
        {"{\"a\": 0, \"b\": 0}", "both have id 0"},
        {"{\"a\": 0, \"b\": 2}", "'b' is not an integer from 0 to 1"},
        {"{\"a\": 0, \"b\": -1}", "'b' is not"},
        {"{\"a\": 0, \"b\": 1.0}", "'b' is not"},
        {"{\"a\": 0, \"b\": \"1\"}", "'b' is not"},
        {"{\"a\": 0, \"b\": 18446744073709551616}", "'b' is not"},
        {"{\"\": 0}", "a token of 0 bytes"},
        {"{\"a\": 0", ""},
        {"{\"a\": {\"b\": 0}}", "'a' is not"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_file("vocab.json", cases[i].text, LTD_EFORMAT, cases[i].words);
}

TEST(bytes_without_a_symbol_need_an_unknown_token)
{
    static const char vocab[] = "{\"a\": 0}";
    struct folder folder;
    struct ltd_error err = {0};

    REQUIRE(folder_new(&folder));
    folder_write(&folder, "vocab.json", vocab, strlen(vocab));
    folder_write(&folder, "merges.txt", "", 0);
    CHECK_INT(try_open(&folder, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, "no symbol for the byte 0"));
    folder_free(&folder);
}

TEST(settings_that_are_wrong_or_unknown_are_refused)
{
    static const struct {
        const char *name, *text;
        enum ltd_status want;
        const char *words;
    } cases[] = {
        {"tokenizer_config.json", "[]", LTD_EFORMAT, "must be a JSON object"},
        {"tokenizer_config.json", "{", LTD_EFORMAT, ""},
        {"tokenizer_config.json", "{\"pad_token\": 3}", LTD_EFORMAT, "'pad_token'"},
        {"tokenizer_config.json", "{\"pad_token\": null}", LTD_EFORMAT, "'pad_token'"},
        {"tokenizer_config.json", "{\"pad_token\": \"\"}", LTD_EFORMAT, "0 bytes"},
        {"tokenizer_config.json", "{\"bos_token\": {\"lstrip\": true}}", LTD_EFORMAT, "'bos_token'"},
        {"tokenizer_config.json", "{\"padding_side\": \"left\"}", LTD_EUNSUPPORTED, "padding_side"},
        {"tokenizer_config.json", "{\"truncation_side\": \"left\"}", LTD_EUNSUPPORTED, "truncation_side"},
        {"tokenizer_config.json", "{\"split_special_tokens\": true}", LTD_EUNSUPPORTED, "split_special"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": []}", LTD_EFORMAT, "added_tokens_decoder"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"c\"}}}", LTD_EFORMAT,
         "'x'"},
        {"tokenizer_config.json",
         "{\"added_tokens_decoder\": {\"1\": {\"content\": \"c\"}, \"2\": {\"content\": \"c\"}}}",
         LTD_EFORMAT, "'c' stands there twice"},
        {"tokenizer_config.json",
         "{\"added_tokens_decoder\": {\"1\": {\"content\": \"c\"}, \"01\": {\"content\": \"d\"}}}",
         LTD_EFORMAT, "have one id"},
        {"added_tokens.json", "{\"c\": \"7\"}", LTD_EFORMAT, "'c'"},
        {"special_tokens_map.json", "{\"eos_token\": false}", LTD_EFORMAT, "'eos_token'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_file(cases[i].name, cases[i].text, cases[i].want, cases[i].words);
}

TEST(an_absurd_length_is_77)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {{"{}", 77},
                 {"{\"model_max_length\": 1000000000000000019884624838656}", 77},
                 {"{\"model_max_length\": -5}", 77},
                 {"{\"model_max_length\": 1}", 77},
                 {"{\"model_max_length\": 64}", 64}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clip_tokenizer *tokenizer = NULL;
        struct folder folder;

        REQUIRE(folder_new(&folder));
        folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
        folder_write(&folder, "merges.txt", SMALL_MERGES, strlen(SMALL_MERGES));
        folder_write(&folder, "tokenizer_config.json", cases[i].text, strlen(cases[i].text));
        CHECK_INT(clip_tokenizer_open(folder.path, &tokenizer, NULL), LTD_OK);
        if (tokenizer)
            CHECK_INT(clip_tokenizer_max_length(tokenizer), cases[i].want);
        clip_tokenizer_close(tokenizer);
        folder_free(&folder);
    }
}

TEST(a_missing_token_gets_the_next_id_and_is_found_in_the_text)
{
    static const char config[] = "{\"pad_token\": \"<pad>\", \"foo_token\": \"<new>\"}";
    struct clip_tokenizer *tokenizer = NULL;
    struct folder folder;
    int32_t ids[6];
    const int32_t want[] = {6, 4, 8, 4, 5, 7};

    REQUIRE(folder_new(&folder));
    folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
    folder_write(&folder, "merges.txt", SMALL_MERGES, strlen(SMALL_MERGES));
    folder_write(&folder, "tokenizer_config.json", config, strlen(config));
    CHECK_INT(clip_tokenizer_open(folder.path, &tokenizer, NULL), LTD_OK);
    REQUIRE(tokenizer);
    CHECK_INT(clip_tokenizer_vocab_size(tokenizer), 9);
    CHECK_INT(clip_tokenizer_encode(tokenizer, "AB<new>ab", 9, ids, 6, NULL, NULL), LTD_OK);
    for (size_t i = 0; i < COUNT(want); i++)
        CHECK_INT(ids[i], want[i]);
    clip_tokenizer_close(tokenizer);
    folder_free(&folder);
}

TEST(ten_million_lines_of_merges_are_refused)
{
    const size_t size = 40 * 1000 * 1000;
    struct folder folder;
    struct ltd_error err = {0};
    char *text = malloc(size);

    REQUIRE(text && folder_new(&folder));
    for (size_t at = 0; at < size; at += 4)
        memcpy(text + at, "a b\n", 4);
    folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
    folder_write(&folder, "merges.txt", text, size);
    CHECK_INT(try_open(&folder, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, "more than"));
    free(text);
    folder_free(&folder);
}

TEST(files_that_are_missing_or_no_files_are_refused)
{
    struct folder folder;
    struct ltd_error err = {0};
    char path[128];

    REQUIRE(folder_new(&folder));
    CHECK_INT(try_open(&folder, &err), LTD_ENOTFOUND);
    CHECK(strstr(err.message, "vocab.json"));
    folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
    CHECK_INT(try_open(&folder, &err), LTD_ENOTFOUND);
    CHECK(strstr(err.message, "merges.txt"));
    snprintf(path, sizeof path, "%s/merges.txt", folder.path);
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK_INT(try_open(&folder, &err), LTD_EFORMAT);
    rmdir(path);
    folder_free(&folder);
}

/* The files of Stable Diffusion 1: the end mark is an object that is normalized, the padding the same token
 * as a string, which is not. */
TEST(of_two_forms_of_one_token_the_last_counts)
{
    static const char map[] = "{\"eos_token\": {\"content\": \"<|endoftext|>\", \"normalized\": true},"
                              " \"pad_token\": \"<|endoftext|>\"}";
    struct clip_tokenizer *tokenizer = NULL;
    struct folder folder;
    int32_t ids[2];
    size_t lower = 0, upper = 0;

    REQUIRE(folder_new(&folder));
    folder_write(&folder, "vocab.json", SMALL_VOCAB, strlen(SMALL_VOCAB));
    folder_write(&folder, "merges.txt", SMALL_MERGES, strlen(SMALL_MERGES));
    folder_write(&folder, "special_tokens_map.json", map, strlen(map));
    CHECK_INT(clip_tokenizer_open(folder.path, &tokenizer, NULL), LTD_OK);
    REQUIRE(tokenizer);
    CHECK_INT(clip_tokenizer_encode(tokenizer, "<|endoftext|>", 13, ids, 2, &lower, NULL), LTD_OK);
    CHECK_INT(clip_tokenizer_encode(tokenizer, "<|ENDOFTEXT|>", 13, ids, 2, &upper, NULL), LTD_OK);
    CHECK_INT(lower, 1);
    CHECK_INT(upper, 13); /* each character unknown */
    clip_tokenizer_close(tokenizer);
    folder_free(&folder);
}
