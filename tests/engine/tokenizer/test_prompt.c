/* Whole prompts: which text counts at which evaluation, and how much of it there may be. */
#include "tokenizer/prompt.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { LENGTH = 12, STEPS = 6 };

struct setup {
    struct clip_tokenizer *tokenizer;
    struct prompt_names names;
    struct prompt_rules rules;
    struct prompt prompt;
    struct ltd_error err;
};

static bool open_setup(struct setup *s)
{
    *s = (struct setup){0};
    if (clip_tokenizer_open("models/default/tokenizer", &s->tokenizer, &s->err) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "%s", s->err.message);
        return false;
    }
    s->rules = (struct prompt_rules){{s->tokenizer, &s->names, LENGTH}, true, true, STEPS};
    return true;
}

static void close_setup(struct setup *s)
{
    prompt_fini(&s->prompt);
    clip_tokenizer_close(s->tokenizer);
}

/* The letter that a part's text begins with in an evaluation; '-': it is empty. */
static char letter_at(const struct setup *s, size_t part, int evaluation)
{
    const struct prompt_text *text = &s->prompt.text[prompt_text_at(&s->prompt, part, evaluation)];
    const int32_t id = s->prompt.chunks.ids[text->first * LENGTH + 1];

    for (char c = 'a'; c <= 'z'; c++) {
        int32_t letter;
        size_t count;

        CHECK(clip_tokenizer_words(s->tokenizer, &c, 1, &letter, 1, &count, NULL) == LTD_OK);
        if (id == letter)
            return c;
    }
    return '-';
}

/* Every text of a schedule lasts up to its step counted from 0: the first one for one evaluation more. */
TEST(evaluations)
{
    static const struct {
        const char *prompt, *letters; /* of part 0, evaluation by evaluation */
    } cases[] = {
        {"x", "xxxxxxxx"},       {"[a:b:3]", "aaaabbbb"}, {"[a:b:0.5]", "aaaabbbb"},
        {"[a:b:0]", "bbbbbbbb"}, {"[a:b:6]", "aaaaaaaa"}, {"[a|b]", "aabababb"},
        {"[a|b|]", "aab-ab--"},  {"[:b:1]", "--bbbbbb"},  {"[a:[b:c:4]:2]", "aaabbccc"},
    };
    struct setup s;

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!open_setup(&s))
            return;
        REQUIRE(prompt_read(&s.prompt, &s.rules, cases[i].prompt, &s.err) == LTD_OK);
        for (int e = 0; cases[i].letters[e]; e++)
            if (letter_at(&s, 0, e) != cases[i].letters[e])
                check_failed(__FILE__, __LINE__, "%s: %c in evaluation %d", cases[i].prompt,
                             letter_at(&s, 0, e), e);
        close_setup(&s);
    }
}

TEST(parts_have_weights_and_changes_of_their_own)
{
    struct setup s;

    if (!open_setup(&s))
        return;
    REQUIRE(prompt_read(&s.prompt, &s.rules, "[a:b:3] :2 AND c a a a a a a a a a a AND [d|e] :-1", &s.err) ==
            LTD_OK);
    REQUIRE(s.prompt.parts == 3);
    CHECK_NEAR(s.prompt.part[0].weight, 2, 0);
    CHECK_NEAR(s.prompt.part[1].weight, 1, 0);
    CHECK_NEAR(s.prompt.part[2].weight, -1, 0);
    CHECK_INT(s.prompt.part[0].chunks, 1);
    CHECK_INT(s.prompt.part[1].chunks, 2);
    CHECK(letter_at(&s, 0, 5) == 'b' && letter_at(&s, 1, 5) == 'c' && letter_at(&s, 2, 5) == 'd');
    close_setup(&s);
}

TEST(equal_texts_are_one_with_several_turns)
{
    struct setup s;

    if (!open_setup(&s))
        return;
    REQUIRE(prompt_read(&s.prompt, &s.rules, "[a|b]", &s.err) == LTD_OK);
    CHECK_INT(s.prompt.texts, 2);
    CHECK_INT(s.prompt.turns, STEPS);
    CHECK_INT(s.prompt.text[0].turns, 3);
    CHECK_INT(s.prompt.text[1].turns, 3);
    close_setup(&s);
}

TEST(a_negative_prompt_has_no_parts)
{
    struct setup s;

    if (!open_setup(&s))
        return;
    s.rules.joins = false;
    REQUIRE(prompt_read(&s.prompt, &s.rules, "[a:b:3] AND c :2", &s.err) == LTD_OK);
    CHECK_INT(s.prompt.parts, 1);
    CHECK_NEAR(s.prompt.part[0].weight, 1, 0);
    CHECK(letter_at(&s, 0, 0) == 'a' && letter_at(&s, 0, 5) == 'b');
    close_setup(&s);
}

TEST(plain_text_has_no_grammar)
{
    struct setup s;

    if (!open_setup(&s))
        return;
    s.rules.grammar = false;
    REQUIRE(prompt_read(&s.prompt, &s.rules, "x [a:b:3] AND (c:2) BREAK d e f g h i j", &s.err) == LTD_OK);
    CHECK_INT(s.prompt.parts, 1);
    CHECK_INT(s.prompt.chunks.count, 1);
    CHECK(s.prompt.cut > 0);
    CHECK(letter_at(&s, 0, 0) == 'x' && letter_at(&s, 0, 100) == 'x');
    close_setup(&s);
}

TEST(text_that_is_not_utf8_is_refused)
{
    struct setup s;

    if (!open_setup(&s))
        return;
    CHECK(prompt_read(&s.prompt, &s.rules, "a [\xC3", &s.err) == LTD_EINVAL &&
          strstr(s.err.message, "UTF-8"));
    close_setup(&s);
}

TEST(errors_of_the_grammar_come_through)
{
    static const char *const prompts[] = {"a AND (b:1.2.3)", "[a:(b:1.2.3):3]", "[(b:1.2.3):3]"};
    struct setup s;

    for (size_t i = 0; i < COUNT(prompts); i++) {
        if (!open_setup(&s))
            return;
        CHECK(prompt_read(&s.prompt, &s.rules, prompts[i], &s.err) == LTD_EINVAL &&
              strstr(s.err.message, "1.2.3"));
        close_setup(&s);
    }
}

/* Ten changes make ten texts, each of 30 chunks. */
TEST(all_texts_together_are_bounded)
{
    char *text = calloc(1, 1 << 20);
    struct setup s;

    if (!open_setup(&s) || !text)
        return;
    s.rules.steps = 10;
    for (int i = 0; i < 10; i++)
        sprintf(text + strlen(text), "%s%c", i ? "|" : "[", 'a' + i);
    strcat(text, "]");
    for (int i = 0; i < 290; i++)
        strcat(text, " a");
    CHECK(prompt_read(&s.prompt, &s.rules, text, &s.err) == LTD_EINVAL &&
          strstr(s.err.message, "256 chunks"));
    close_setup(&s);
    if (!open_setup(&s))
        return;
    s.rules.steps = 40;
    strcpy(text, "[a");
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text), "|%c", 'b' + i);
    strcat(text, "]");
    memset(text + strlen(text), ' ', 64 << 10);
    strcat(text, "x");
    CHECK(prompt_read(&s.prompt, &s.rules, text, &s.err) == LTD_EINVAL && strstr(s.err.message, "bytes"));
    close_setup(&s);
    free(text);
}
