#include "api/infotext.h"

#include "check.h"

static struct infotext info;

static void parse(const char *text)
{
    infotext_fini(&info);
    REQUIRE(infotext_parse(text, &info));
}

TEST(prompts_and_settings_are_told_apart)
{
    parse("a cat\non a roof\nNegative prompt: blurry,\nugly\nSteps: 20, Sampler: Euler a, CFG scale: 7.5, "
          "Seed: 18446744073709551615, Size: 512x768");
    CHECK_STR(info.prompt, "a cat\non a roof");
    CHECK_STR(info.negative_prompt, "blurry,\nugly");
    CHECK_INT(info.count, 5);
    CHECK_STR(infotext_find(&info, "Sampler"), "Euler a");
    CHECK_STR(infotext_find(&info, "Seed"), "18446744073709551615");
    CHECK_STR(infotext_find(&info, "Size"), "512x768");
    CHECK(!infotext_find(&info, "seed"));
    infotext_fini(&info);
}

TEST(quoted_values_keep_their_commas)
{
    parse("p\nSteps: 1, Model: \"a, \\\"b\\\" \\\\\", Lora hashes: \"x: 1, y: 2\", Version: v1");
    CHECK_STR(infotext_find(&info, "Model"), "a, \"b\" \\");
    CHECK_STR(infotext_find(&info, "Lora hashes"), "x: 1, y: 2");
    CHECK_STR(infotext_find(&info, "Version"), "v1");
    infotext_fini(&info);
}

TEST(what_has_no_settings_is_all_prompt)
{
    static const char *const texts[] = {"just words", "look: a, bird", "Steps: 20", "",
                                        "a: \"b\\\", c: 1, d: 2"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        parse(texts[i]);
        CHECK_STR(info.prompt, texts[i]);
        CHECK_INT(info.count, 0);
    }
    infotext_fini(&info);
}

TEST(either_prompt_may_be_missing)
{
    parse("Steps: 1, Seed: 2, Size: 8x8\n");
    CHECK_STR(info.prompt, "");
    CHECK_INT(info.count, 3);
    parse("Negative prompt: n\nSteps: 1, Seed: 2, Size: 8x8");
    CHECK_STR(info.prompt, "");
    CHECK_STR(info.negative_prompt, "n");
    parse("\nSteps: 1, Seed: 2, Size: 8x8");
    CHECK_STR(info.prompt, "");
    CHECK_INT(info.count, 3);
    infotext_fini(&info);
}
