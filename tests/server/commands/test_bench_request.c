#include "commands/bench_request.h"

#include "check.h"

static char problems[2048];

/* What the flags are told, for the default model; its parameters in *params. */
static const char *told(struct ltd_gen_params *params, int argc, const char *const *argv)
{
    FILE *out = fmemopen(problems, sizeof problems, "w");
    struct bench_flags flags = {0};
    struct option_set set = bench_option_set(&flags, out);
    struct ltd_model *model = NULL;
    struct ltd_error err;

    problems[0] = '\0';
    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    if (ltd_model_open("models/default", &model, &err) == LTD_OK)
        bench_params(&set, &flags, model, params);
    else
        option_set_problem(&set, "%s", err.message);
    ltd_model_close(model);
    option_set_clear(&set);
    fclose(out);
    return problems;
}

#define FLAGS(...) \
    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), ((const char *[]){__VA_ARGS__})

TEST(a_size_is_two_numbers)
{
    struct ltd_gen_params p;

    CHECK_STR(told(&p, FLAGS("--size=32x48")), "");
    CHECK_INT(p.width, 32);
    CHECK_INT(p.height, 48);
    CHECK_STR(told(&p, FLAGS("--rounds=1")), "");
    CHECK(p.width > 0 && p.height > 0);
    CHECK(p.cfg_scale > 1);
    CHECK_INT(p.count, 1);
}

TEST(other_sizes_are_refused)
{
    static const char *const wrong[] = {"64",     "64x",   "x64",  "64x64x64", "64 x 64",
                                        "-64x64", "64X64", "0x64", "ax64"};
    struct ltd_gen_params p;
    char want[128];

    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(want, sizeof want, "--size: \"%s\" is not a width and a height, as in 512x512\n", wrong[i]);
        CHECK_STR(told(&p, FLAGS("--size", wrong[i])), want);
    }
    CHECK(strstr(told(&p, FLAGS("--size=99999999999999999999x64")), "--size: width must be"));
    CHECK(strstr(told(&p, FLAGS("--size=64x63")), "--size: height must be a multiple of"));
}
