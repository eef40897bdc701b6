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
               "--strength: only with --init-image or --hr-scale\n"
               "--sampler: \"eulr\" is none of ddim, pndm, euler, euler_a, heun, dpm2, dpm2_a, lms, "
               "dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde, unipc, lcm, ddpm, "
               "dpmpp_2s_a, restart, tcd\n"
               "--profile: \"\" is none of diffusers, a1111\n"
               "--numerics: \"fast\" is none of default, strict\n");
}

TEST(flags_of_a_mask_need_one)
{
    check_told(FLAGS("--prompt=x", "--output=-", "--mask", "m.png"), "--mask: only with --init-image\n");
    check_told(FLAGS("--prompt=x", "--output=-", "--init-image=i.png", "--mask-blur", "4", "--mask-invert",
                     "--masked-content=all", "--inpaint-full-res-padding=3"),
               "--mask-invert: only with --mask\n"
               "--mask-blur: only with --mask\n"
               "--masked-content: only with --mask\n"
               "--inpaint-full-res-padding: only with --inpaint-full-res\n"
               "--masked-content: \"all\" is none of fill, original, noise, nothing\n");
}

TEST(an_output_that_cannot_be_written_is_told_before_drawing)
{
    check_told(FLAGS("--prompt=x", "--output=/no/such/folder/x.png"),
               "--output: /no/such/folder/x.png cannot be written: No such file or directory\n");
    check_told(FLAGS("--prompt=x", "--output=/tmp"), "--output: /tmp is a folder\n");
    check_told(FLAGS("--prompt=x", "--output="), "--output: the name is empty\n");
    check_told(FLAGS("--prompt=x", "--output=-", "--count=2"), "--count: standard output takes one image\n");
}

/* What the --control flags are told. */
static const char *told_of_controls(struct generate_controls *controls, int argc, const char *const *argv)
{
    FILE *out = fmemopen(problems, sizeof problems, "w");
    struct generate_flags flags = {0};
    struct option_set set = generate_option_set(&flags, out);

    *controls = (struct generate_controls){0};
    problems[0] = '\0';
    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    generate_controls_read(&set, &flags.control, controls);
    fclose(out);
    forget(&flags);
    return problems;
}

#define PICTURE "tests/engine/image/canny/wide.png"

TEST(a_control_names_a_network_a_picture_and_members)
{
    struct generate_controls controls;

    CHECK_STR(told_of_controls(&controls, FLAGS("--control", "edges:" PICTURE, "--control",
                                                "b/c:" PICTURE ",weight=0.5,end=0.75,preprocessor=canny,"
                                                "high_threshold=300")),
              "");
    REQUIRE(controls.count == 2);
    CHECK_STR(controls.items[0].model, "edges");
    CHECK_NEAR(controls.items[0].weight, 1, 0);
    CHECK(controls.items[0].image && controls.items[0].image == controls.pictures[0]);
    CHECK_STR(controls.items[1].model, "b/c");
    CHECK_NEAR(controls.items[1].weight, 0.5, 0);
    CHECK_NEAR(controls.items[1].end, 0.75, 0);
    CHECK_INT(controls.items[1].preprocessor, LTD_PREPROCESSOR_CANNY);
    CHECK_INT(controls.items[1].low_threshold, 100);
    CHECK_INT(controls.items[1].high_threshold, 300);
    generate_controls_fini(&controls);
}

TEST(a_wrong_control_is_told_with_its_member)
{
    static const char *const rows[][2] = {
        {"edges", "--control: \"edges\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...\n"},
        {":" PICTURE, "--control: \":" PICTURE "\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...\n"},
        {"e:", "--control: \"e:\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...\n"},
        {"e:x,weight", "--control: \"e:x,weight\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...\n"},
        {"e:x,end=1,end=1",
         "--control: \"e:x,end=1,end=1\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...\n"},
        {"e:x,weight=11",
         "--control: \"e:x,weight=11\": weight: send a number from -10 to 10, or leave it out\n"},
        {"e:x,weight=much",
         "--control: \"e:x,weight=much\": weight: send a number from -10 to 10, or leave it out\n"},
        {"e:x,preprocessor=depth",
         "--control: \"e:x,preprocessor=depth\": preprocessor: \"depth\" is not known; send one of none, canny\n"},
        {"e:x,edges=1", "--control: \"e:x,edges=1\": has \"edges\"; send model, image, weight, start, end, "
                        "resize, preprocessor, low_threshold and high_threshold\n"},
        {"e:/no/such/file", "--control: /no/such/file: No such file or directory\n"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct generate_controls controls;

        CHECK_STR(told_of_controls(&controls, FLAGS("--control", rows[i][0])), rows[i][1]);
        CHECK_INT(controls.count, 0);
        generate_controls_fini(&controls);
    }
    check_told(FLAGS("--prompt=x", "--output=-", "--control", "e:x"),
               "--control: only with --controlnets-dir\n");
}
