/* AND and the weights of what it joins. */
#include "tokenizer/prompt_parts.h"

#include <stdlib.h>

#include "check.h"

struct part {
    const char *text;
    double weight;
};

struct example {
    const char *prompt;
    struct part part[4];
};

TEST(parts_and_weights)
{
    static const struct example examples[] = {
        {"a cat", {{"a cat", 1}}},
        {"", {{"", 1}}},
        {"a AND b", {{"a", 1}, {" b", 1}}},
        {"a :1.2 AND b:-0.5 AND c: 2. ", {{"a", 1.2}, {" b", -0.5}, {" c", 2}}},
        {"a AND", {{"a", 1}, {"", 1}}},
        {"AND AND", {{"", 1}, {"", 1}, {"", 1}}},
        {"a and bANDc AND_ BAND", {{"a and bANDc AND_ BAND", 1}}},
        {"a,AND,b", {{"a,", 1}, {",b", 1}}},
        {"at 12:30", {{"at 12", 30}}},
        {"a:1.5.", {{"a:1.5.", 1}}},
        {"a:.", {{"a:.", 1}}},
        {"a:", {{"a:", 1}}},
        {"a: +", {{"a: +", 1}}},
        {"a:- 2", {{"a:- 2", 1}}},
        {"a:1:2", {{"a:1", 2}}},
        {":3", {{"", 3}}},
        {"(a:1.3)", {{"(a:1.3)", 1}}},
        {"(a AND b:1.3)", {{"(a", 1}, {" b:1.3)", 1}}},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct prompt_parts parts;
        size_t want = 0;

        while (want < 4 && examples[i].part[want].text)
            want++;
        if (prompt_parts_split(&parts, examples[i].prompt, NULL) != LTD_OK || parts.count != want)
            check_failed(__FILE__, __LINE__, "%s: %zu parts, not %zu", examples[i].prompt, parts.count, want);
        for (size_t k = 0; k < want && k < parts.count; k++) {
            CHECK_STR(parts.part[k].text, examples[i].part[k].text);
            check_near(__FILE__, __LINE__, examples[i].prompt, parts.part[k].weight,
                       examples[i].part[k].weight, 0);
        }
        prompt_parts_fini(&parts);
    }
}

static void check_refused(const char *prompt, const char *word)
{
    struct prompt_parts parts;
    struct ltd_error err = {.message = ""};

    if (prompt_parts_split(&parts, prompt, &err) != LTD_EINVAL || !strstr(err.message, word))
        check_failed(__FILE__, __LINE__, "%.40s: %s", prompt, err.message);
    prompt_parts_fini(&parts);
}

TEST(what_is_too_much_is_refused)
{
    char prompt[PROMPT_MAX_PARTS * 4 + 100] = "";
    struct prompt_parts parts;

    for (int i = 1; i < PROMPT_MAX_PARTS; i++)
        strcat(prompt, "AND ");
    CHECK(prompt_parts_split(&parts, prompt, NULL) == LTD_OK && parts.count == PROMPT_MAX_PARTS);
    prompt_parts_fini(&parts);
    strcat(prompt, "AND ");
    check_refused(prompt, "16");
    memset(prompt, '9', 100);
    memcpy(prompt, "a:", 2);
    prompt[100] = '\0';
    check_refused(prompt, "weight");
}
