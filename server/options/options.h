/*
 * options.h - what the daemon was told: flags, then environment, then configuration file, then defaults.
 *
 * The fields are the rows of options.def.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "options/option_table.h"

enum options_log_format { OPTIONS_LOG_TEXT, OPTIONS_LOG_JSON }; /* the words of log_format, in order */

enum options_index {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) OPTIONS_##key,
#include "options/options.def"
#undef OPTION
    OPTIONS_COUNT
};

struct options {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) OPTION_TYPE_##kind key;
#include "options/options.def"
#undef OPTION
    struct option_origin origins[OPTIONS_COUNT];
};

extern const struct option_spec options_specs[OPTIONS_COUNT];

/* Fills *options from argv[0..argc) (flags only), a NULL-terminated environment, and the file that --config
 * names.  Everything that is wrong becomes one line in problems, and the answer is false; then only the flags
 * help and version may be trusted.  The caller ends it with options_fini in both cases. */
bool options_load(struct options *options, int argc, const char *const *argv, const char *const *environment,
                  FILE *problems);
void options_fini(struct options *options); /* also of a zeroed struct */

/* Compute threads of each worker: `threads`, or an equal share of the processors this process may run on, at
 * least 1. */
int options_worker_threads(const struct options *options);

/* --help, --print-config (each value with its origin, as a configuration file that reads back the same but
 * for secrets), and
 * config/latentd.conf. */
void options_print_help(FILE *out);
void options_print_config(FILE *out, const struct options *options);
void options_print_default_config(FILE *out);

#endif
