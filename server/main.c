/*
 * main.c - which command is meant, and what the daemon is told.
 */
#include "commands/commands.h"
#include "handlers/api_docs.h"
#include "options/options.h"
#include "serve.h"
#include "util/edit_distance.h"
#include "util/exit_code.h"

#include <string.h>
#include <unistd.h>

static void print_api_docs(const struct options *options)
{
    const struct request_limits limits = {options->max_pixels, options->max_steps, options->max_count,
                                          options->max_prompt_bytes, options->max_upscaled_pixels};

    api_docs_print(stdout, &limits);
}

static int serve(int argc, const char *const *argv)
{
    struct options options;
    const bool right = options_load(&options, argc, argv, (const char *const *)environ, stderr);
    int code = EXIT_CODE_DONE;

    if (options.help)
        options_print_help(stdout);
    else if (options.version)
        puts("latentd " LATENTD_VERSION);
    else if (options.print_default_config)
        options_print_default_config(stdout);
    else if (!right)
        code = EXIT_CODE_USAGE;
    else if (options.print_config)
        options_print_config(stdout, &options);
    else if (options.print_api_docs)
        print_api_docs(&options);
    else if (options.check_config)
        puts("The configuration is right.");
    else if (options.healthcheck)
        code = cmd_healthcheck(&options);
    else
        code = serve_run(&options);
    if (code == EXIT_CODE_USAGE)
        fputs("latentd --help tells the flags\n", stderr);
    options_fini(&options);
    return code;
}

static int unknown_command(const char *typed)
{
    static const char *const commands[] = {"serve", "generate", "inspect", "upscale", "bench"};

    fprintf(stderr, "%s: no such command", typed);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (edit_distance_is_near(typed, commands[i]))
            fprintf(stderr, "; did you mean %s?", commands[i]);
    fputs("\nlatentd --help tells the commands\n", stderr);
    return EXIT_CODE_USAGE;
}

static int run(int argc, const char *const *argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (argc < 2 || command[0] == '-')
        return serve(argc > 0 ? argc - 1 : 0, argv + 1);
    if (strcmp(command, "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (strcmp(command, "generate") == 0)
        return cmd_generate(argc - 2, argv + 2);
    if (strcmp(command, "inspect") == 0)
        return cmd_inspect(argc - 2, argv + 2);
    if (strcmp(command, "upscale") == 0)
        return cmd_upscale(argc - 2, argv + 2);
    if (strcmp(command, "bench") == 0)
        return cmd_bench(argc - 2, argv + 2);
    return unknown_command(command);
}

int main(int argc, char **argv)
{
    const int code = run(argc, (const char *const *)argv);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("latentd: standard output");
        return code == EXIT_CODE_DONE ? EXIT_CODE_FAILED : code;
    }
    return code;
}
