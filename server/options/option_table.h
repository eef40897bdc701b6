/*
 * option_table.h - the machine under every table of options (options.def, generate.def).
 *
 * A table describes the fields of a struct of values.  A value may be set from several sources; whatever the
 * order in which the sources are read, the one with the highest rank (enum option_rank) stays, and a list
 * from a higher rank replaces one from a lower.  Every wrong value is reported, also one that would be
 * outranked.
 */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Values of a LIST, in the order given. */
struct option_list {
    char **items;
    size_t count;
};

enum option_kind {
    OPTION_KIND_INT,
    OPTION_KIND_UINT64,
    OPTION_KIND_REAL,
    OPTION_KIND_SIZE,
    OPTION_KIND_TEXT,
    OPTION_KIND_LIST,
    OPTION_KIND_FLAG,
    OPTION_KIND_CHOICE
};

/* The C type of a kind's field.  A CHOICE is the number of its word in the row's "a|b|c".  TEXT is never
 * NULL. */
#define OPTION_TYPE_INT    int
#define OPTION_TYPE_UINT64 uint64_t
#define OPTION_TYPE_REAL   double
#define OPTION_TYPE_SIZE   size_t
#define OPTION_TYPE_TEXT   char *
#define OPTION_TYPE_LIST   struct option_list
#define OPTION_TYPE_FLAG   bool
#define OPTION_TYPE_CHOICE int

/* In this order: each is found in fewer places.  SECRET is ANYWHERE, and its value is never shown. */
enum option_place { OPTION_SECRET, OPTION_ANYWHERE, OPTION_NOT_IN_FILE, OPTION_FLAG_ONLY };

enum option_rank { OPTION_DEFAULT, OPTION_FILE, OPTION_ENVIRONMENT, OPTION_FLAG };

struct option_origin {
    enum option_rank rank;
    int line; /* OPTION_FILE: of the configuration file */
};

struct option_spec {
    const char *key; /* "queue_limit" */
    enum option_kind kind;
    enum option_place place;
    size_t offset;        /* of the field in the struct of values */
    const char *standard; /* the default, as a user would write it; "" for an empty text, list */
    double min, max;      /* equal: no bounds but those of the type */
    const char *unit, *value, *help;
};

/* The spec of a table's row, for the field of its name in `struct values`. */
#define OPTION_SPEC(values, id, scope, name, initial, least, most, unit_name, word, text)        \
    {                                                                                            \
        .key = #name, .kind = OPTION_KIND_##id, .place = OPTION_##scope,                         \
        .offset = offsetof(struct values, name), .standard = initial, .min = least, .max = most, \
        .unit = unit_name, .value = word, .help = text                                           \
    }

/* A table, the values it describes, and where each of them came from. */
struct option_set {
    const struct option_spec *specs;
    size_t count;
    void *values;                  /* the struct, zeroed before option_set_defaults */
    struct option_origin *origins; /* [count] */
    FILE *problems;                /* one line for each thing that is wrong */
    int problem_count;
};

/* Sets every value to its default. */
void option_set_defaults(struct option_set *set);
/* Reads argv[0..argc): --key VALUE, --key=VALUE, --flag. */
void option_set_flags(struct option_set *set, int argc, const char *const *argv);
/* Reads every LATENTD_NAME=VALUE of a NULL-terminated environment; values of a list are separated by commas.
 */
void option_set_environment(struct option_set *set, const char *const *environment);
/* Reads a file of `key = value` lines; lines that are blank or start with # are skipped. */
void option_set_file(struct option_set *set, const char *path);
/* Frees what the values own; they are zeroed. */
void option_set_clear(struct option_set *set);

/* One value, from text; shown is the name it was given by, for the problem line. */
void option_set_value(struct option_set *set, size_t index, const char *shown, const char *text,
                      struct option_origin origin);
/* Writes a problem line from a printf format. */
void option_set_problem(struct option_set *set, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes item `item` of a value as a user would write it (item is 0 but in lists). */
void option_print_value(FILE *out, const struct option_spec *spec, const void *values, size_t item);
/* Writes the flag of a key: --queue-limit. */
void option_print_flag(FILE *out, const char *key);
/* Writes " (1 to 64; default 8)", or as much of it as the row has. */
void option_print_bounds(FILE *out, const struct option_spec *spec);
/* Writes every row of a table as --help shows it. */
void option_print_help(FILE *out, const struct option_spec *specs, size_t count);

#endif
