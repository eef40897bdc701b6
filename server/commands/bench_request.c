#include "commands/bench_request.h"

const struct option_spec bench_specs[BENCH_COUNT] = {
#define OPTION(...) OPTION_SPEC(bench_flags, __VA_ARGS__),
#include "commands/bench.def"
#undef OPTION
};

struct option_set bench_option_set(struct bench_flags *flags, FILE *problems)
{
    return (struct option_set){bench_specs, BENCH_COUNT, flags, flags->origins, problems, 0};
}

/* Digits, nothing else, up to a bound that any use of it survives; 0: not that. */
static int read_side(const char **text)
{
    int side = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++)
        if (side < 1000000)
            side = side * 10 + (**text - '0');
    return side;
}

static void read_size(struct option_set *set, const char *text, struct ltd_gen_params *params)
{
    const char *at = text;

    params->width = read_side(&at);
    if (*at == 'x') {
        at++;
        params->height = read_side(&at);
    }
    if (*at != '\0' || params->width == 0 || params->height == 0)
        option_set_problem(set, "--size: \"%s\" is not a width and a height, as in 512x512", text);
}

static void tell_problem(void *arg, bool warning, const char *field, const char *message)
{
    if (!warning)
        option_set_problem(arg, "--size: %s %s", field, message);
}

void bench_params(struct option_set *set, const struct bench_flags *flags, const struct ltd_model *model,
                  struct ltd_gen_params *params)
{
    *params = ltd_params_default(model);
    params->prompt = "a lighthouse on a cliff above the sea at dawn, oil painting, detailed";
    params->seed = 1;
    params->count = 1;
    params->cfg_scale = 7.5;
    params->sampler = LTD_SAMPLER_EULER;
    params->precision = (enum ltd_precision)flags->precision;
    if (flags->size[0]) {
        params->height = 0;
        read_size(set, flags->size, params);
    }
    if (set->problem_count == 0)
        ltd_params_check(model, params, tell_problem, set);
}
