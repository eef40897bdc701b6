#include "options/options.h"

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

/* What the last load() wrote. */
static char problems[8192];

/* options_load on NULL-terminated arguments and environment. */
static bool load(struct options *options, const char *const *argv, const char *const *environment)
{
    int argc = 0;
    bool right;
    FILE *out = fmemopen(problems, sizeof problems, "w");

    while (argv[argc])
        argc++;
    problems[0] = '\0';
    right = options_load(options, argc, argv, environment, out);
    fclose(out);
    return right;
}

#define ARGV(...) ((const char *[]){__VA_ARGS__, NULL})
#define NOTHING   ((const char *[]){NULL})

/* A file with that text; the caller unlinks it. */
static void write_config(char path[32], const char *text)
{
    int fd;

    strcpy(path, "/tmp/latentd-test-XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        check_failed(__FILE__, __LINE__, "cannot write %s", path);
    close(fd);
}

static void check_problem(const char *const *argv, const char *const *environment, const char *want)
{
    struct options options;

    CHECK(!load(&options, argv, environment));
    CHECK_STR(problems, want);
    options_fini(&options);
}

/* Problems of a configuration file with that text, its path left off. */
static void check_file_problem(const char *text, const char *want)
{
    struct options options;
    char path[32], *tail;

    write_config(path, text);
    CHECK(!load(&options, ARGV("--config", path), NOTHING));
    tail = strstr(problems, ":");
    CHECK_STR(tail ? tail : problems, want);
    options_fini(&options);
    unlink(path);
}

TEST(nothing_said_gives_the_defaults)
{
    struct options options;

    CHECK(load(&options, NOTHING, ARGV("PATH=/bin", "LATENT=1")));
    CHECK_STR(problems, "");
    CHECK_STR(options.listen, "127.0.0.1:7860");
    CHECK_INT(options.model.count, 0);
    CHECK_INT(options.workers, 1);
    CHECK_INT(options.queue_limit, 16);
    CHECK_INT(options.max_pixels, 1048576);
    CHECK_INT(options.max_steps, 200);
    CHECK_INT(options.max_count, 8);
    CHECK_INT(options.max_body, 64 << 20);
    CHECK_INT(options.max_prompt_bytes, 64 << 10);
    CHECK_INT(options.job_keep_bytes, 256 << 20);
    CHECK_INT(options.log_format, OPTIONS_LOG_TEXT);
    CHECK(!options.insecure_public && !options.help);
    options_fini(&options);
}

TEST(flags_come_before_environment_before_file_before_defaults)
{
    struct options options;
    char path[32];

    write_config(path, "# a comment\n\n workers = 2 \nmax_steps=20\nqueue_limit = 5\nmodel = a\nmodel = b\n"
                       "allowed_host = file.example\n");
    CHECK(load(&options,
               ARGV("--workers=4", "--config", path, "--model", "x=c", "--model=d", "--log-format", "json"),
               ARGV("LATENTD_WORKERS=3", "LATENTD_MAX_STEPS=30", "LATENTD_MODEL=e",
                    "LATENTD_ALLOWED_HOST=a.example,b.example")));
    CHECK_STR(problems, "");
    CHECK_INT(options.workers, 4);
    CHECK_INT(options.max_steps, 30);
    CHECK_INT(options.queue_limit, 5);
    CHECK_INT(options.max_count, 8);
    CHECK_INT(options.log_format, OPTIONS_LOG_JSON);
    REQUIRE(options.model.count == 2);
    CHECK_STR(options.model.items[0], "x=c");
    CHECK_STR(options.model.items[1], "d");
    REQUIRE(options.allowed_host.count == 2);
    CHECK_STR(options.allowed_host.items[1], "b.example");
    CHECK_INT(options.origins[OPTIONS_workers].rank, OPTION_FLAG);
    CHECK_INT(options.origins[OPTIONS_max_steps].rank, OPTION_ENVIRONMENT);
    CHECK_INT(options.origins[OPTIONS_queue_limit].rank, OPTION_FILE);
    CHECK_INT(options.origins[OPTIONS_queue_limit].line, 5);
    CHECK_INT(options.origins[OPTIONS_max_count].rank, OPTION_DEFAULT);
    options_fini(&options);
    unlink(path);
}

TEST(the_order_in_which_sources_are_read_does_not_matter)
{
    static const char *const flags[] = {"--model=c", "--listen=[::1]:1"};
    struct options options = {0};
    struct option_set set = {options_specs, OPTIONS_COUNT, &options, options.origins, stdout, 0};

    option_set_defaults(&set);
    option_set_environment(&set, ARGV("LATENTD_MODEL=a,b", "LATENTD_LISTEN=[::1]:2"));
    option_set_flags(&set, COUNT(flags), flags);
    option_set_environment(&set, ARGV("LATENTD_MODEL=a,b", "LATENTD_LISTEN=[::1]:2"));
    CHECK_INT(set.problem_count, 0);
    CHECK_STR(options.listen, "[::1]:1");
    REQUIRE(options.model.count == 1);
    CHECK_STR(options.model.items[0], "c");
    options_fini(&options);
}

TEST(the_environment_may_name_the_file)
{
    struct options options;
    char path[32], variable[64];

    write_config(path, "workers = 2");
    snprintf(variable, sizeof variable, "LATENTD_CONFIG=%s", path);
    CHECK(load(&options, NOTHING, ARGV(variable)));
    CHECK_INT(options.workers, 2);
    options_fini(&options);
    unlink(path);
}

TEST(an_unknown_flag_is_refused_and_the_nearest_one_offered)
{
    check_problem(ARGV("--quue-limit", "3"), NOTHING,
                  "--quue-limit: no such flag; did you mean --queue-limit?\n"
                  "\"3\": not a flag; flags begin with --\n");
    check_problem(ARGV("--queue_limit=3"), NOTHING, "--queue_limit: no such flag\n");
    check_problem(ARGV("--port=80"), NOTHING, "--port: no such flag\n");
    check_problem(ARGV("-h"), NOTHING, "\"-h\": not a flag; flags begin with --\n");
    check_problem(ARGV("--"), NOTHING, "\"--\": not a flag; flags begin with --\n");
    check_problem(ARGV("--max-pixels-and-a-name-that-is-far-longer-than-any-name-in-the-table-of-options"),
                  NOTHING,
                  "--max-pixels-and-a-name-that-is-far-longer-than-any-name-in-the-table-of-options: no such "
                  "flag\n");
}

TEST(all_workers_together_have_a_limit_of_threads)
{
    check_problem(ARGV("--workers", "9", "--threads", "8"), NOTHING,
                  "threads: 9 workers with 8 compute threads each are more than the 64 of a process\n");
    check_problem(ARGV("--threads", "65"), NOTHING,
                  "--threads: \"65\" is not within its bounds (0 to 64; default 0)\n");
}

TEST(an_unknown_variable_is_refused_and_the_nearest_one_offered)
{
    check_problem(NOTHING, ARGV("LATENTD_WORKER=2"),
                  "LATENTD_WORKER: no such variable in the environment; did you mean LATENTD_WORKERS?\n");
    check_problem(NOTHING, ARGV("LATENTD_workers=2"),
                  "LATENTD_workers: no such variable in the environment\n");
    check_problem(NOTHING, ARGV("LATENTD_=2"), "LATENTD_: no such variable in the environment\n");
    check_problem(NOTHING, ARGV("LATENTD_HELP=true"), "LATENTD_HELP: no such variable in the environment\n");
}

TEST(a_wrong_line_of_the_file_is_refused_with_its_number)
{
    check_file_problem("\nworker = 2\n", ":2: no such key \"worker\"; did you mean workers?\n");
    check_file_problem("help = true", ":1: no such key \"help\"\n");
    check_file_problem("config = other", ":1: no such key \"config\"\n");
    check_file_problem("workers\n", ":1: not a line of the form key = value\n");
    check_file_problem("workers = 2\n\nworkers = 3\n", ":3: workers is set in line 1 already\n");
    check_file_problem("workers =\n", ":1: \"\" is not a whole number (1 to 64; default 1)\n");
    check_file_problem("insecure_public = yes\n", ":1: \"yes\" is not true or false\n");
    check_file_problem("model =\n", ":1: \"\" is not a value\n");
}

TEST(a_file_that_is_not_text_or_not_there_is_refused)
{
    struct options options;
    char path[32];
    FILE *file;

    write_config(path, "");
    file = fopen(path, "w");
    REQUIRE(file);
    fwrite("workers = 2\0\n", 1, 13, file);
    fputs("workers = 2\n", file);
    fclose(file);
    CHECK(!load(&options, ARGV("--config", path), NOTHING));
    options_fini(&options);
    CHECK(strstr(problems, ":1: longer than 8190 bytes, or not text\n"));
    unlink(path);
    check_problem(ARGV("--config=/no/such/file"), NOTHING, "/no/such/file: No such file or directory\n");
}

TEST(numbers_are_read_whole_and_within_their_bounds)
{
    check_problem(ARGV("--workers", "2x"), NOTHING,
                  "--workers: \"2x\" is not a whole number (1 to 64; default 1)\n");
    check_problem(ARGV("--workers", "65"), NOTHING,
                  "--workers: \"65\" is not within its bounds (1 to 64; default 1)\n");
    check_problem(ARGV("--workers="), NOTHING,
                  "--workers: \"\" is not a whole number (1 to 64; default 1)\n");
    check_problem(
        ARGV("--workers", "4294967297"), NOTHING,
        "--workers: \"4294967297\" is not within the bounds of any number here (1 to 64; default 1)\n");
    check_problem(ARGV("--max-body", "1MB"), NOTHING,
                  "--max-body: \"1MB\" is not a number of bytes, such as 65536, 64KiB, 64MiB or 1GiB "
                  "(1KiB to 1GiB; default 64MiB)\n");
    check_problem(ARGV("--workers"), NOTHING, "--workers: wants N after it\n");
    check_problem(ARGV("--log-format", "xml"), NOTHING, "--log-format: \"xml\" is not text|json\n");
    check_problem(ARGV("--log-format", "jso"), NOTHING, "--log-format: \"jso\" is not text|json\n");
}

TEST(everything_that_is_wrong_is_told_at_once)
{
    check_problem(ARGV("--workers", "0", "--wat"), ARGV("LATENTD_MAX_STEPS=x"),
                  "--workers: \"0\" is not within its bounds (1 to 64; default 1)\n"
                  "--wat: no such flag\n"
                  "LATENTD_MAX_STEPS: \"x\" is not a whole number (1 to 10000; default 200)\n");
}

TEST(a_wrong_value_is_told_even_where_a_flag_outranks_it)
{
    check_problem(ARGV("--workers", "2", "--listen=127.0.0.1:1"), ARGV("LATENTD_WORKERS=no"),
                  "LATENTD_WORKERS: \"no\" is not a whole number (1 to 64; default 1)\n");
}

TEST(a_public_address_wants_a_word)
{
    struct options options;

    check_problem(ARGV("--listen", "0.0.0.0:7860"), NOTHING,
                  "listen: other machines can reach 0.0.0.0:7860, and nothing asks them who they are; say "
                  "--insecure-public if that is wanted\n");
    CHECK(load(&options, ARGV("--listen", "0.0.0.0:7860", "--insecure-public"), NOTHING));
    options_fini(&options);
    check_problem(ARGV("--listen", "7860"), NOTHING, "listen: \"7860\": it is not HOST:PORT or unix:PATH\n");
}

TEST(models_and_hosts_are_checked)
{
    check_problem(ARGV("--model", "a=x", "--model", "/m/a"), NOTHING,
                  "model: two are named \"a\"; name them as NAME=PATH\n");
    check_problem(ARGV("--model", "a="), NOTHING, "model: \"a=\": the path is empty\n");
    check_problem(ARGV("--allowed-host", "a:80"), NOTHING,
                  "allowed_host: \"a:80\" is not a host name (no port, no *)\n");
}

TEST(help_and_version_are_known_in_a_wrong_command_line)
{
    struct options options;

    CHECK(!load(&options, ARGV("--wat", "--help"), NOTHING));
    CHECK(options.help && !options.version);
    options_fini(&options);
}

TEST(worker_threads_share_the_processors)
{
    struct options options = {.workers = 1};
    const int all = options_worker_threads(&options);

    CHECK(all >= 1);
    options.workers = 64;
    CHECK_INT(options_worker_threads(&options), 1);
    CHECK(all <= 64);
    options.threads = 5;
    CHECK_INT(options_worker_threads(&options), 5);
}

static char *printed_config(const struct options *options)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    options_print_config(out, options);
    fclose(out);
    return text;
}

TEST(the_printed_configuration_reads_back_the_same)
{
    struct options first, second;
    char path[32], *text, *again;

    CHECK(load(&first, ARGV("--model", "a=x", "--model", "y", "--max-body=3MiB", "--insecure-public"),
               ARGV("LATENTD_LOG_FORMAT=json")));
    text = printed_config(&first);
    CHECK(strstr(text, "# flag --max-body\nmax_body = 3MiB\n"));
    CHECK(strstr(text, "# flag --model\nmodel = a=x\nmodel = y\n"));
    CHECK(strstr(text, "# environment LATENTD_LOG_FORMAT\nlog_format = json\n"));
    CHECK(strstr(text, "# default\n# allowed_host =\n"));
    write_config(path, text);
    CHECK(load(&second, ARGV("--config", path), NOTHING));
    CHECK_STR(problems, "");
    CHECK_INT(second.max_body, 3 << 20);
    CHECK_INT(second.model.count, 2);
    CHECK_INT(second.log_format, OPTIONS_LOG_JSON);
    CHECK(second.insecure_public);
    again = printed_config(&second);
    CHECK(strstr(again, path));
    options_fini(&first);
    options_fini(&second);
    unlink(path);
    free(text);
    free(again);
}

/* Every row has a place in the file that the program prints, and every default in it is one that is taken. */
TEST(the_committed_configuration_is_the_printed_one_and_its_defaults_are_taken)
{
    char *want, *got = calloc(1, 1 << 16), path[32], *uncommented;
    size_t size, length = 0;
    struct options options;
    FILE *out = open_memstream(&want, &size), *file = fopen("config/latentd.conf", "r");

    options_print_default_config(out);
    fclose(out);
    REQUIRE(got && file);
    CHECK(fread(got, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    CHECK_STR(got, want);
    uncommented = calloc(1, size + 1);
    REQUIRE(uncommented);
    for (size_t i = 0; i < size; i++) {
        const bool line_begins = i == 0 || want[i - 1] == '\n';
        const bool is_list = strncmp(want + i, "#model", 6) == 0 || strncmp(want + i, "#allowed", 8) == 0;

        if (!(line_begins && want[i] == '#' && want[i + 1] != ' ' && !is_list))
            uncommented[length++] = want[i];
    }
    write_config(path, uncommented);
    CHECK(load(&options, ARGV("--config", path), NOTHING));
    CHECK_STR(problems, "");
    CHECK_INT(options.origins[OPTIONS_max_body].rank, OPTION_FILE);
    options_fini(&options);
    unlink(path);
    free(uncommented);
    free(want);
    free(got);
}
