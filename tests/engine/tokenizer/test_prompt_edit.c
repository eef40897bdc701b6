/* Editing and alternation: AUTOMATIC1111's documented examples, then what is easy to get wrong. */
#include "tokenizer/prompt_edit.h"

#include <stdlib.h>

#include "check.h"
#include "tokenizer/prompt_pieces.h"

enum { STEPS = 10, MAX_TURNS = 10 };

struct turn {
    int last;
    const char *text;
};

struct example {
    const char *prompt;
    struct turn turn[MAX_TURNS];
};

static void check_turns(const struct example *example, const struct prompt_edit *edit, int steps,
                        const int *last, size_t count)
{
    char *text = malloc(strlen(example->prompt) + 1);

    for (size_t i = 0; i < count && text; i++) {
        const struct turn *want = &example->turn[i];
        const size_t length = prompt_edit_text(edit, last[i], steps, text);

        if (i == MAX_TURNS || !want->text || last[i] != want->last || strcmp(text, want->text) != 0 ||
            length != strlen(text)) {
            check_failed(__FILE__, __LINE__, "%s: turn %zu is \"%s\" up to %d", example->prompt, i, text,
                         last[i]);
            break;
        }
    }
    if (count < MAX_TURNS && example->turn[count].text)
        check_failed(__FILE__, __LINE__, "%s: %zu turns", example->prompt, count);
    free(text);
}

static void check_examples(const struct example *examples, size_t count, int steps)
{
    for (size_t i = 0; i < count; i++) {
        struct prompt_edit *edit = NULL;
        struct ltd_error err = {.message = ""};
        int last[100];

        if (prompt_edit_parse(examples[i].prompt, &edit, &err) != LTD_OK)
            check_failed(__FILE__, __LINE__, "%s: %s", examples[i].prompt, err.message);
        else
            check_turns(&examples[i], edit, steps, last, prompt_edit_turns(edit, steps, last));
        prompt_edit_free(edit);
    }
}

TEST(documented_examples)
{
    static const struct example examples[] = {
        {"test", {{10, "test"}}},
        {"a [b:3]", {{3, "a "}, {10, "a b"}}},
        {"a [b: 3]", {{3, "a "}, {10, "a b"}}},
        {"a [[[b]]:2]", {{2, "a "}, {10, "a [[b]]"}}},
        {"[(a:2):3]", {{3, ""}, {10, "(a:2)"}}},
        {"a [b : c : 1] d", {{1, "a b  d"}, {10, "a  c  d"}}},
        {"a[b:[c:d:2]:1]e", {{1, "abe"}, {2, "ace"}, {10, "ade"}}},
        {"a [unbalanced", {{10, "a [unbalanced"}}},
        {"a [b:.5] c", {{5, "a  c"}, {10, "a b c"}}},
        {"((a][:b:c [d:3]", {{3, "((a][:b:c "}, {10, "((a][:b:c d"}}},
        {"[a|(b:1.1)]",
         {{1, "a"},
          {2, "(b:1.1)"},
          {3, "a"},
          {4, "(b:1.1)"},
          {5, "a"},
          {6, "(b:1.1)"},
          {7, "a"},
          {8, "(b:1.1)"},
          {9, "a"},
          {10, "(b:1.1)"}}},
        {"[fe|]male",
         {{1, "female"},
          {2, "male"},
          {3, "female"},
          {4, "male"},
          {5, "female"},
          {6, "male"},
          {7, "female"},
          {8, "male"},
          {9, "female"},
          {10, "male"}}},
        {"[fe|||]male",
         {{1, "female"},
          {2, "male"},
          {3, "male"},
          {4, "male"},
          {5, "female"},
          {6, "male"},
          {7, "male"},
          {8, "male"},
          {9, "female"},
          {10, "male"}}},
    };

    check_examples(examples, COUNT(examples), STEPS);
}

TEST(the_documented_landscape)
{
    static const struct example example = {
        "fantasy landscape with a [mountain:lake:0.25] and [an oak:a christmas tree:0.75][ in foreground::0.6][ in "
        "background:0.25] [shoddy:masterful:0.5]",
        {{25, "fantasy landscape with a mountain and an oak in foreground shoddy"},
         {50, "fantasy landscape with a lake and an oak in foreground in background shoddy"},
         {60, "fantasy landscape with a lake and an oak in foreground in background masterful"},
         {75, "fantasy landscape with a lake and an oak in background masterful"},
         {100, "fantasy landscape with a lake and a christmas tree in background masterful"}}};

    check_examples(&example, 1, 100);
}

TEST(when)
{
    static const struct example examples[] = {
        {"[a:b:3 ]", {{3, "a"}, {10, "b"}}},
        {"[a:b:+3]", {{3, "a"}, {10, "b"}}},
        {"[a:b:0.29]", {{2, "a"}, {10, "b"}}},
        {"[a:b:1.]", {{10, "a"}}},
        {"[a:b:1]", {{1, "a"}, {10, "b"}}},
        {"[a:b:1.5]", {{10, "a"}}},
        {"[a:b:0.05]", {{10, "b"}}},
        {"[a:b:0]", {{10, "b"}}},
        {"[a:b:-3]", {{10, "b"}}},
        {"[a:b:99]", {{10, "a"}}},
        {"[a:b:1e99]", {{10, "a"}}},
        {"[a:b:3e0]", {{3, "a"}, {10, "b"}}},
        {"[a:b:5e-1]", {{10, "b"}}},
        {"[a:b:0.5e0]", {{5, "a"}, {10, "b"}}},
        {"[a::3]", {{3, "a"}, {10, ""}}},
        {"[:b:3]", {{3, ""}, {10, "b"}}},
        {"[::3]", {{3, ""}, {10, ""}}},
        {"[a:b:\n 3\n]", {{3, "a"}, {10, "b"}}},
    };

    check_examples(examples, COUNT(examples), STEPS);
}

TEST(what_is_no_change_is_text)
{
    static const struct example examples[] = {
        {"[a:b]", {{10, "[a:b]"}}},
        {"[a:b:c]", {{10, "[a:b:c]"}}},
        {"[a:b:3:4]", {{10, "[a:b:3:4]"}}},
        {"[a:b:3 steps]", {{10, "[a:b:3 steps]"}}},
        {"[a:(b:3]", {{10, "[a:(b:3]"}}},
        {"(a:b:3)", {{10, "(a:b:3)"}}},
        {"\\[a:b:3]", {{10, "\\[a:b:3]"}}},
        {"[a:b\\:3]", {{10, "[a:b\\:3]"}}},
        {"", {{10, ""}}},
        {":)", {{10, ":)"}}},
    };

    check_examples(examples, COUNT(examples), STEPS);
}

TEST(a_change_inside_of_open_brackets_is_one)
{
    static const struct example examples[] = {
        {"([a:3]", {{3, "("}, {10, "(a"}}},
        {"[[a:3]", {{3, "["}, {10, "[a"}}},
        {"[a:3]]", {{3, "]"}, {10, "a]"}}},
        {"([a:b:3]:1.2)", {{3, "(a:1.2)"}, {10, "(b:1.2)"}}},
        {"[a:3] :) [b:4] x", {{3, " :)  x"}, {4, "a :)  x"}, {10, "a :) b x"}}},
    };

    check_examples(examples, COUNT(examples), STEPS);
}

/* The reference's parser gives up on all of these, and the prompt is read as it stands. */
TEST(a_bar_or_a_backslash_in_the_wrong_place_makes_all_of_it_text)
{
    static const struct example examples[] = {
        {"a | b [c:3]", {{10, "a | b [c:3]"}}},
        {"[c:3] (a|b)", {{10, "[c:3] (a|b)"}}},
        {"[c:3] [a|b", {{10, "[c:3] [a|b"}}},
        {"[a|b:3] [c:3]", {{10, "[a|b:3] [c:3]"}}},
        {"[c:3] \\", {{10, "[c:3] \\"}}},
        {"[c:3] \\\n", {{10, "[c:3] \\\n"}}},
        {"a [{b|d{:.5] c", {{10, "a [{b|d{:.5] c"}}},
    };

    check_examples(examples, COUNT(examples), STEPS);
}

TEST(alternation_inside_of_changes)
{
    static const struct example examples[] = {
        {"[a:[b|c]:2]", {{1, "a"}, {2, "a"}, {3, "b"}, {4, "c"}}},
        {"[a|[b:c:2]]", {{1, "a"}, {2, "b"}, {3, "a"}, {4, "c"}}},
        {"[|a]", {{1, ""}, {2, "a"}, {3, ""}, {4, "a"}}},
    };

    check_examples(examples, COUNT(examples), 4);
}

TEST(brackets_nest_to_a_limit)
{
    char prompt[2 * PROMPT_MAX_DEPTH + 8] = "";
    struct prompt_edit *edit = NULL;
    struct ltd_error err;

    memset(prompt, '[', PROMPT_MAX_DEPTH);
    memset(prompt + PROMPT_MAX_DEPTH, ']', PROMPT_MAX_DEPTH);
    CHECK(prompt_edit_parse(prompt, &edit, NULL) == LTD_OK);
    prompt_edit_free(edit);
    edit = NULL;
    memset(prompt, '[', PROMPT_MAX_DEPTH + 1);
    CHECK(prompt_edit_parse(prompt, &edit, &err) == LTD_EINVAL && strstr(err.message, "nested") && !edit);
}

/* Openings that come to nothing are tried once for each bracket that is open around them, not once for all.
 */
TEST(many_openings_take_no_time)
{
    const size_t size = 1 << 18;
    char *prompt = malloc(size + 1);
    struct prompt_edit *edit = NULL;
    int last[STEPS];

    REQUIRE(prompt);
    for (size_t i = 0; i < size; i++)
        prompt[i] = "[a)(b]"[i % 6];
    memset(prompt, '[', PROMPT_MAX_DEPTH - 1);
    prompt[size] = '\0';
    REQUIRE(prompt_edit_parse(prompt, &edit, NULL) == LTD_OK);
    CHECK_INT(prompt_edit_turns(edit, STEPS, last), 1);
    prompt_edit_free(edit);
    free(prompt);
}
