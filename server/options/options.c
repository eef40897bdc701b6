#include "options/options.h"

#include "util/listen_address.h"
#include "util/model_path.h"

#include <latentd/limits.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

const struct option_spec options_specs[OPTIONS_COUNT] = {
#define OPTION(...) OPTION_SPEC(options, __VA_ARGS__),
#include "options/options.def"
#undef OPTION
};

static struct option_set set_of(struct options *options, FILE *problems)
{
    return (struct option_set){options_specs, OPTIONS_COUNT, options, options->origins, problems, 0};
}

static void check_listen(struct option_set *set, const struct options *options)
{
    struct listen_address address;
    const char *wrong = listen_address_parse(options->listen, &address);

    if (wrong)
        option_set_problem(set, "listen: \"%s\": %s", options->listen, wrong);
    else if (!listen_address_is_loopback(&address) && !options->insecure_public)
        option_set_problem(set,
                           "listen: other machines can reach %s, and nothing asks them who they are; say "
                           "--insecure-public if that is wanted",
                           options->listen);
}

static void check_models(struct option_set *set, const struct option_list *models)
{
    char name[MODEL_NAME_SIZE], other[MODEL_NAME_SIZE];
    const char *path;

    for (size_t i = 0; i < models->count; i++) {
        const char *wrong = model_entry_split(models->items[i], name, &path);

        if (wrong)
            option_set_problem(set, "model: \"%s\": %s", models->items[i], wrong);
        for (size_t j = 0; !wrong && j < i; j++)
            if (!model_entry_split(models->items[j], other, &path) && strcmp(name, other) == 0)
                option_set_problem(set, "model: two are named \"%s\"; name them as NAME=PATH", name);
    }
}

static void check_hosts(struct option_set *set, const struct option_list *hosts)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->items[i][strspn(hosts->items[i], letters)] != '\0')
            option_set_problem(set, "allowed_host: \"%s\" is not a host name (no port, no *)",
                               hosts->items[i]);
}

static void check_threads(struct option_set *set, const struct options *options)
{
    if (options->workers * options->threads > LTD_MAX_THREADS)
        option_set_problem(
            set, "threads: %d workers with %d compute threads each are more than the %d of a process",
            options->workers, options->threads, LTD_MAX_THREADS);
}

bool options_load(struct options *options, int argc, const char *const *argv, const char *const *environment,
                  FILE *problems)
{
    struct option_set set = set_of(options, problems);

    *options = (struct options){0};
    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    option_set_environment(&set, environment);
    if (options->config && options->config[0] != '\0')
        option_set_file(&set, options->config);
    if (set.problem_count > 0)
        return false;
    check_listen(&set, options);
    check_models(&set, &options->model);
    check_hosts(&set, &options->allowed_host);
    check_threads(&set, options);
    return set.problem_count == 0;
}

void options_fini(struct options *options)
{
    struct option_set set = set_of(options, NULL);

    option_set_clear(&set);
}

int options_worker_threads(const struct options *options)
{
    cpu_set_t mask;
    const int most = LTD_MAX_THREADS / options->workers;
    int share;

    if (options->threads > 0)
        return options->threads;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        share = CPU_COUNT(&mask) / options->workers;
    else
        share = (int)sysconf(_SC_NPROCESSORS_ONLN) / options->workers;
    return share < 1 ? 1 : share > most ? most : share;
}
