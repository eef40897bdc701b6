/* Emphasis: AUTOMATIC1111's documented examples, then what is easy to get wrong. */
#include "tokenizer/prompt_pieces.h"

#include <stdlib.h>

#include "check.h"

enum { MAX_PIECES = 12 };

struct piece {
    const char *text; /* NULL: BREAK */
    double weight;
};

struct example {
    const char *prompt;
    struct piece piece[MAX_PIECES];
};

static void check_piece(const char *prompt, const struct prompt_pieces *pieces, size_t i,
                        const struct piece *want)
{
    const struct prompt_piece *got = &pieces->piece[i];
    const char *text = want->text ? want->text : "BREAK";
    const size_t size = got->end - got->begin;

    if (got->is_break != !want->text || size != strlen(text) ||
        memcmp(pieces->text + got->begin, text, size) != 0)
        check_failed(__FILE__, __LINE__, "%s: piece %zu is \"%.*s\"%s, not \"%s\"", prompt, i, (int)size,
                     pieces->text + got->begin, got->is_break ? " (a break)" : "", text);
    else if (want->text)
        check_near(__FILE__, __LINE__, prompt, got->weight, want->weight, 0);
}

static void check_example(const struct example *example)
{
    struct prompt_pieces pieces;
    struct ltd_error err = {.message = ""};
    size_t want = 0;

    while (want < MAX_PIECES && (example->piece[want].text || example->piece[want].weight != 0))
        want++;
    if (prompt_pieces_split(&pieces, example->prompt, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s: %s", example->prompt, err.message);
    else if (pieces.count != want)
        check_failed(__FILE__, __LINE__, "%s: %zu pieces, not %zu", example->prompt, pieces.count, want);
    else
        for (size_t i = 0; i < want; i++)
            check_piece(example->prompt, &pieces, i, &example->piece[i]);
    prompt_pieces_fini(&pieces);
}

static void check_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_example(&examples[i]);
}

TEST(documented_examples)
{
    static const struct example examples[] = {
        {"normal text", {{"normal text", 1}}},
        {"an (important) word", {{"an ", 1}, {"important", 1.1}, {" word", 1}}},
        {"(unbalanced", {{"unbalanced", 1.1}}},
        {"\\(literal\\]", {{"(literal]", 1}}},
        {"(unnecessary)(parens)", {{"unnecessaryparens", 1.1}}},
        {"a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
         {{"a ", 1},
          {"house", 1.5730000000000004},
          {" ", 1.1},
          {"on", 1.0},
          {" a ", 1.1},
          {"hill", 0.55},
          {", sun, ", 1.1},
          {"sky", 1.4641000000000006},
          {".", 1.1}}},
    };

    check_examples(examples, COUNT(examples));
}

TEST(numbers)
{
    static const struct example examples[] = {
        {"(a:1.)", {{"a", 1}}},
        {"(a:.5)", {{"a", 0.5}}},
        {"(a:+2)", {{"a", 2}}},
        {"(a:-0.5)", {{"a", -0.5}}},
        {"(a: 1.3 )", {{"a", 1.3}}},
        {"(a:1.3 b)", {{"a:1.3 b", 1.1}}},
        {"(a:1e3)", {{"a:1e3", 1.1}}},
        {"(a:)", {{"a:", 1.1}}},
        {"(a:-)", {{"a:-", 1.1}}},
        {"(a:b:1.2)", {{"a:b", 1.2}}},
        {"[a:1.3]", {{"a:1.3", 1 / 1.1}}},
        {"at 12:30)", {{"at 12:30)", 1}}},
        {"a:1.3)", {{"a:1.3)", 1}}},
        {"(a:0)", {{"a", 0}}},
    };

    check_examples(examples, COUNT(examples));
}

TEST(brackets_that_do_not_balance)
{
    static const struct example examples[] = {
        {"", {{"", 1}}},
        {"()", {{"", 1}}},
        {"a)", {{"a)", 1}}},
        {"a] (b", {{"a] ", 1}, {"b", 1.1}}},
        {"((a)", {{"a", 1.1 * 1.1}}},
        {"([a)]", {{"a", 1.1 * (1 / 1.1)}}},
        {"[[a]", {{"a", 1 / 1.1 * (1 / 1.1)}}},
        {"[a(b]c)", {{"a", 1 / 1.1}, {"b", 1 / 1.1 * 1.1}, {"c", 1.1}}},
        {"((a:1.2):2)", {{"a", 1.2 * 2}}},
    };

    check_examples(examples, COUNT(examples));
}

TEST(escapes)
{
    static const struct example examples[] = {
        {"\\(a\\)", {{"(a)", 1}}},
        {"\\[a\\]", {{"[a]", 1}}},
        {"a\\\\b", {{"a\\b", 1}}},
        {"\\a", {{"a", 1}}},
        {"a\\", {{"a", 1}}},
        {"(\\(a\\):1.3)", {{"(a)", 1.3}}},
        {"(a\\:1.3)", {{"a", 1.3}}},
        {"\\\\(a)", {{"\\", 1}, {"a", 1.1}}},
        {"\\((a)", {{"(", 1}, {"a", 1.1}}},
    };

    check_examples(examples, COUNT(examples));
}

TEST(break_is_a_word_of_its_own)
{
    static const struct example examples[] = {
        {"a BREAK b", {{"a", 1}, {NULL, 1}, {"b", 1}}},
        {"BREAK", {{"", 1}, {NULL, 1}, {"", 1}}},
        {"a\n BREAK\tBREAK b", {{"a", 1}, {NULL, 1}, {"", 1}, {NULL, 1}, {"b", 1}}},
        {"a,BREAK,b", {{"a,", 1}, {NULL, 1}, {",b", 1}}},
        {"BREAKS break BREAK_ éBREAK", {{"BREAKS break BREAK_ éBREAK", 1}}},
        {"(a)BREAK(b:1.2)", {{"a", 1.1}, {"", 1}, {NULL, 1}, {"", 1}, {"b", 1.2}}},
    };
    struct prompt_pieces pieces;

    check_examples(examples, COUNT(examples));
    REQUIRE(prompt_pieces_split(&pieces, "a BREAK b", NULL) == LTD_OK);
    CHECK(!pieces.break_is_word);
    prompt_pieces_fini(&pieces);
}

TEST(break_in_brackets_is_text)
{
    struct prompt_pieces pieces;

    REQUIRE(prompt_pieces_split(&pieces, "(a BREAK b)", NULL) == LTD_OK);
    CHECK_INT(pieces.count, 3);
    CHECK(!pieces.piece[1].is_break);
    CHECK_NEAR(pieces.piece[1].weight, -1.1, 0);
    CHECK(pieces.break_is_word);
    prompt_pieces_fini(&pieces);
}

static void check_refused(const char *prompt, const char *word)
{
    struct prompt_pieces pieces;
    struct ltd_error err = {.message = ""};

    if (prompt_pieces_split(&pieces, prompt, &err) != LTD_EINVAL || !strstr(err.message, word))
        check_failed(__FILE__, __LINE__, "%.40s: %s", prompt, err.message);
    prompt_pieces_fini(&pieces);
}

TEST(weights_that_are_no_numbers_are_refused)
{
    char huge[400];

    check_refused("(a:1.2.3)", "1.2.3");
    check_refused("(a:.)", "number");
    check_refused("((a:9999999999999999999999999):9999999999999999999999999)", "multiply");
    memset(huge, '9', sizeof huge);
    memcpy(huge, "(a:", 3);
    memcpy(huge + sizeof huge - 2, ")", 2);
    check_refused(huge, "number");
}

TEST(brackets_nest_to_a_limit)
{
    char prompt[PROMPT_MAX_DEPTH + 3] = "";
    struct prompt_pieces pieces;

    memset(prompt, '(', PROMPT_MAX_DEPTH);
    CHECK(prompt_pieces_split(&pieces, prompt, NULL) == LTD_OK);
    prompt_pieces_fini(&pieces);
    prompt[PROMPT_MAX_DEPTH] = '[';
    check_refused(prompt, "brackets");
}

TEST(a_long_prompt_takes_no_longer_than_its_length)
{
    const size_t size = 1 << 20;
    char *prompt = malloc(size + 1);
    struct prompt_pieces pieces;

    REQUIRE(prompt);
    for (size_t i = 0; i < size; i++)
        prompt[i] = "(a)\\"[i % 4];
    prompt[size] = '\0';
    CHECK(prompt_pieces_split(&pieces, prompt, NULL) == LTD_OK);
    prompt_pieces_fini(&pieces);
    free(prompt);
}
