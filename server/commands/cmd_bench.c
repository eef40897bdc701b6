#include "commands/commands.h"

#include "commands/bench_report.h"
#include "commands/command_model.h"
#include "util/clock.h"
#include "util/exit_code.h"

#include <stdlib.h>
#include <sys/resource.h>

static void print_help(void)
{
    fputs(
        "latentd bench [flags]\n"
        "\n"
        "Times a model on this machine: a step with guidance, and the two halves of the VAE; by kind of\n"
        "operation and by stage of the network, with the rate of each beside that of plain matrix products\n"
        "(sgemm).  Convolutions are counted as direct ones.  These flags stand alone: neither the\n"
        "environment nor a configuration file is read.\n"
        "\n",
        stdout);
    option_print_help(stdout, bench_specs, BENCH_COUNT);
}

static int print_json(const struct bench_report *report)
{
    struct ltd_json *json = bench_json(report);
    char *text = ltd_json_print(json, true);

    ltd_json_free(json);
    if (!text) {
        fputs("latentd: no memory for the report\n", stderr);
        return EXIT_CODE_FAILED;
    }
    puts(text);
    free(text);
    return EXIT_CODE_DONE;
}

static size_t peak_rss_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

static int measure(const struct bench_flags *flags, const struct ltd_model *model,
                   struct ltd_session *session, const struct ltd_gen_params *params,
                   struct bench_report *report)
{
    struct bench_result result = {0};
    struct ltd_error err;
    int code = EXIT_CODE_DONE;

    if (bench_measure(session, report->threads, params, (enum bench_only)flags->only, flags->rounds, &result,
                      &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        code = EXIT_CODE_FAILED;
    } else {
        report->result = &result;
        report->model = ltd_model_info(model);
        report->peak_rss_bytes = peak_rss_bytes();
        if (flags->json)
            code = print_json(report);
        else
            bench_print(stdout, report);
    }
    bench_result_fini(&result);
    return code;
}

static int bench(struct option_set *set, const struct bench_flags *flags)
{
    const struct options alone = {.workers = 1, .threads = flags->threads};
    struct bench_report report = {.threads = options_worker_threads(&alone),
                                  .rounds = flags->rounds,
                                  .precision = (enum ltd_precision)flags->precision};
    const double begun = clock_monotonic();
    struct ltd_model *model = command_model_open(flags->model, "");
    struct ltd_session *session = NULL;
    struct ltd_gen_params params;
    struct ltd_error err;
    int code = EXIT_CODE_FAILED;

    if (!model)
        return EXIT_CODE_MODEL;
    bench_params(set, flags, model, &params);
    report.width = params.width;
    report.height = params.height;
    if (set->problem_count > 0) {
        code = EXIT_CODE_USAGE;
    } else if (ltd_session_new(model, report.threads, &session, &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
    } else {
        report.start_s = clock_monotonic() - begun;
        code = measure(flags, model, session, &params, &report);
    }
    ltd_session_free(session);
    ltd_model_close(model);
    return code;
}

int cmd_bench(int argc, const char *const *argv)
{
    struct bench_flags flags = {0};
    struct option_set set = bench_option_set(&flags, stderr);
    int code = EXIT_CODE_DONE;

    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    if (flags.help)
        print_help();
    else
        code = set.problem_count > 0 ? EXIT_CODE_USAGE : bench(&set, &flags);
    if (code == EXIT_CODE_USAGE)
        fputs("latentd bench --help tells the flags\n", stderr);
    option_set_clear(&set);
    return code;
}
