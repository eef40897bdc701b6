#include "commands/generate_request.h"

#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

static char problems[8192];

/* What the flags, read and checked without a model, are told. */
static const char *told(struct generate_flags *flags, int argc, const char *const *argv)
{
    FILE *out = fmemopen(problems, sizeof problems, "w");
    struct option_set set;

    *flags = (struct generate_flags){0};
    set = generate_option_set(flags, out);
    problems[0] = '\0';
    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    generate_check_flags(&set, flags);
    fclose(out);
    return problems;
}

static void forget(struct generate_flags *flags)
{
    struct option_set set = generate_option_set(flags, NULL);

    option_set_clear(&set);
}

static void check_told(int argc, const char *const *argv, const char *want)
{
    struct generate_flags flags;

    CHECK_STR(told(&flags, argc, argv), want);
    forget(&flags);
}

#define FLAGS(...) \
    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), ((const char *[]){__VA_ARGS__})

TEST(an_index_goes_before_the_ending)
{
    static const struct {
        const char *output;
        int index;
        const char *want;
    } rows[] = {{"x.png", 0, "x.png"},           {"x.png", 1, "x-1.png"},
                {"a.b/x", 2, "a.b/x-2"},         {"a.b/x.y.png", 10, "a.b/x.y-10.png"},
                {"./.hidden", 3, "./.hidden-3"}, {"-", 0, "-"}};
    char name[32], small[8];

    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(generate_output_name(rows[i].output, rows[i].index, name, sizeof name));
        CHECK_STR(name, rows[i].want);
    }
    CHECK(!generate_output_name("abcd.png", 0, small, sizeof small));
    CHECK(!generate_output_name("ab.png", 1, small, sizeof small));
    CHECK(!generate_output_name("abcdefghij", 1, small, sizeof small));
}

TEST(flags_are_read_exactly)
{
    struct generate_flags flags;

    CHECK_STR(
        told(&flags, FLAGS("--prompt", "", "--output=-", "--seed", "18446744073709551615", "--cfg-scale",
                           "7.5", "--steps", "20", "--sampler", "euler_a", "--threads=2")),
        "");
    CHECK(flags.seed == UINT64_MAX);
    CHECK_NEAR(flags.cfg_scale, 7.5, 0);
    CHECK_INT(flags.steps, 20);
    CHECK_INT(flags.threads, 2);
    CHECK(generate_has(&flags, GENERATE_prompt));
    CHECK(!generate_has(&flags, GENERATE_width));
    forget(&flags);
}

TEST(everything_wrong_is_told_at_once)
{
    check_told(FLAGS("--seed", "-1", "--steps", "4.5", "--cfg-scale", "inf", "--sampler", "eulr", "--profile",
                     "", "--numerics", "fast", "--strength", "0.5"),
               "--seed: \"-1\" is not a whole number from 0 to 18446744073709551615\n"
               "--steps: \"4.5\" is not a whole number\n"
               "--cfg-scale: \"inf\" is not a number\n"
               "--prompt: missing (an empty one, \"\", is valid)\n"
               "--output: missing\n"
               "--strength: only with --init-image\n"
               "--sampler: \"eulr\" is none of ddim, pndm, euler, euler_a, heun, dpm2, dpm2_a, lms, "
               "dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde, unipc, lcm, ddpm\n"
               "--profile: \"\" is none of diffusers, a1111\n"
               "--numerics: \"fast\" is none of default, strict\n");
}

TEST(an_output_that_cannot_be_written_is_told_before_drawing)
{
    check_told(FLAGS("--prompt=x", "--output=/no/such/folder/x.png"),
               "--output: /no/such/folder/x.png cannot be written: No such file or directory\n");
    check_told(FLAGS("--prompt=x", "--output=/tmp"), "--output: /tmp is a folder\n");
    check_told(FLAGS("--prompt=x", "--output="), "--output: the name is empty\n");
    check_told(FLAGS("--prompt=x", "--output=-", "--count=2"), "--count: standard output takes one image\n");
}
