#include "options/option_table.h"

#include "options/option_value.h"
#include "util/edit_distance.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A longer line in a configuration file is a mistake, not a value. */
enum { LINE_SIZE = 8192, NAME_SIZE = 64 };

static const char environment_prefix[] = "LATENTD_";

void option_set_problem(struct option_set *set, const char *format, ...)
{
    va_list args;

    set->problem_count++;
    va_start(args, format);
    vfprintf(set->problems, format, args);
    va_end(args);
    fputc('\n', set->problems);
}

void option_set_value(struct option_set *set, size_t index, const char *shown, const char *text,
                      struct option_origin origin)
{
    const struct option_spec *spec = &set->specs[index];
    struct option_origin *before = &set->origins[index];
    /* The value of a lower rank is read all the same, so that it is checked, into a place of its own. */
    struct {
        union {
            uint64_t number;
            double real;
            char *text;
            struct option_list list;
        } value;
    } unused = {0};
    struct option_spec elsewhere = *spec;
    const bool outranked = origin.rank < before->rank;
    const char *wanted;

    elsewhere.offset = 0;
    if (!outranked && origin.rank > before->rank)
        option_value_clear(spec, set->values);
    wanted = outranked ? option_value_parse(&elsewhere, &unused, text)
                       : option_value_parse(spec, set->values, text);
    option_value_clear(&elsewhere, &unused);
    if (!outranked)
        *before = origin;
    if (!wanted)
        return;
    set->problem_count++;
    fprintf(set->problems, "%s: \"%s\" is not %s", shown, text, wanted);
    if (spec->max > spec->min)
        option_print_bounds(set->problems, spec);
    fputc('\n', set->problems);
}

void option_set_defaults(struct option_set *set)
{
    const struct option_origin origin = {.rank = OPTION_DEFAULT};

    for (size_t i = 0; i < set->count; i++)
        if (set->specs[i].kind != OPTION_KIND_LIST)
            option_set_value(set, i, set->specs[i].key, set->specs[i].standard, origin);
}

void option_set_clear(struct option_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        option_value_clear(&set->specs[i], set->values);
}

/* The key that name means: `from` stands for '_' in it ('-' in flags); upper says that it is in capitals. */
static bool key_from_name(char key[NAME_SIZE], const char *name, size_t length, char from, bool upper)
{
    if (length >= NAME_SIZE)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = name[i];

        if (c == '_' && from != '_')
            return false;
        if (upper && c >= 'a' && c <= 'z')
            return false;
        key[i] = c == from ? '_' : upper && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    key[length] = '\0';
    return true;
}

static bool find(const struct option_set *set, const char *key, enum option_place last, size_t *index)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->specs[i].key, key) == 0 && set->specs[i].place <= last) {
            *index = i;
            return true;
        }
    return false;
}

/* The key nearest to one that is in no row, or NULL when none is near. */
static const char *nearest(const struct option_set *set, const char *key, enum option_place last)
{
    const char *best = NULL;

    for (size_t i = 0; i < set->count; i++)
        if (set->specs[i].place <= last && edit_distance_is_near(key, set->specs[i].key) &&
            (!best || edit_distance(key, set->specs[i].key) < edit_distance(key, best)))
            best = set->specs[i].key;
    return best;
}

static void unknown_flag(struct option_set *set, const char *shown, int length, const char *key)
{
    const char *meant = nearest(set, key, OPTION_FLAG_ONLY);

    set->problem_count++;
    fprintf(set->problems, "%.*s: no such flag", length, shown);
    if (meant) {
        fputs("; did you mean ", set->problems);
        option_print_flag(set->problems, meant);
        fputc('?', set->problems);
    }
    fputc('\n', set->problems);
}

/* Reads the flag at argv[0]; returns how many arguments it took. */
static int set_flag(struct option_set *set, int argc, const char *const *argv)
{
    const struct option_origin origin = {.rank = OPTION_FLAG};
    const char *flag = argv[0], *equals = strchr(flag, '=');
    const size_t length = equals ? (size_t)(equals - flag) : strlen(flag);
    char key[NAME_SIZE] = "", shown[NAME_SIZE + 2];
    size_t index;

    if (strncmp(flag, "--", 2) != 0 || length == 2) {
        option_set_problem(set, "\"%s\": not a flag; flags begin with --", flag);
        return 1;
    }
    if (!key_from_name(key, flag + 2, length - 2, '-', false) || !find(set, key, OPTION_FLAG_ONLY, &index)) {
        unknown_flag(set, flag, (int)length, key);
        return 1;
    }
    snprintf(shown, sizeof shown, "%.*s", (int)length, flag);
    if (equals || set->specs[index].kind == OPTION_KIND_FLAG) {
        option_set_value(set, index, shown, equals ? equals + 1 : "true", origin);
        return 1;
    }
    if (argc < 2) {
        option_set_problem(set, "%s: wants %s after it", shown, set->specs[index].value);
        return 1;
    }
    option_set_value(set, index, shown, argv[1], origin);
    return 2;
}

void option_set_flags(struct option_set *set, int argc, const char *const *argv)
{
    for (int i = 0; i < argc;)
        i += set_flag(set, argc - i, argv + i);
}

/* Sets a list from values separated by commas. */
static void set_list(struct option_set *set, size_t index, const char *shown, const char *text,
                     struct option_origin origin)
{
    char *copy = strdup(text), *rest = copy, *item;

    if (!copy)
        option_set_problem(set, "%s: no memory", shown);
    while (rest && (item = strsep(&rest, ",")))
        option_set_value(set, index, shown, item, origin);
    free(copy);
}

static void set_variable(struct option_set *set, const char *variable)
{
    const struct option_origin origin = {.rank = OPTION_ENVIRONMENT};
    const char *name = variable + strlen(environment_prefix), *equals = strchr(name, '=');
    char key[NAME_SIZE] = "", shown[NAME_SIZE + sizeof environment_prefix];
    size_t index;

    if (!equals)
        return;
    snprintf(shown, sizeof shown, "%.*s", (int)(equals - variable), variable);
    if (!key_from_name(key, name, (size_t)(equals - name), '_', true) ||
        !find(set, key, OPTION_NOT_IN_FILE, &index)) {
        const char *meant = nearest(set, key, OPTION_NOT_IN_FILE);
        char upper[NAME_SIZE] = "";

        for (size_t i = 0; meant && meant[i]; i++)
            upper[i] = meant[i] >= 'a' && meant[i] <= 'z' ? (char)(meant[i] - 'a' + 'A') : meant[i];
        option_set_problem(set, "%s: no such variable in the environment%s%s%s%s", shown,
                           meant ? "; did you mean " : "", meant ? environment_prefix : "", upper,
                           meant ? "?" : "");
        return;
    }
    if (set->specs[index].kind == OPTION_KIND_LIST)
        set_list(set, index, shown, equals + 1, origin);
    else
        option_set_value(set, index, shown, equals + 1, origin);
}

void option_set_environment(struct option_set *set, const char *const *environment)
{
    for (; *environment; environment++)
        if (strncmp(*environment, environment_prefix, strlen(environment_prefix)) == 0)
            set_variable(set, *environment);
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* One `key = value` line; seen[index] is the line where a key stood before, 0 when it did not. */
static void set_line(struct option_set *set, const char *path, int line, char *text, int *seen)
{
    char *equals = strchr(text, '='), *key, *value, shown[512];
    size_t index;

    text = trim(text);
    if (*text == '\0' || *text == '#')
        return;
    snprintf(shown, sizeof shown, "%s:%d", path, line);
    if (!equals) {
        option_set_problem(set, "%s: not a line of the form key = value", shown);
        return;
    }
    *equals = '\0';
    key = trim(text);
    value = trim(equals + 1);
    if (!find(set, key, OPTION_ANYWHERE, &index)) {
        const char *meant = nearest(set, key, OPTION_ANYWHERE);

        option_set_problem(set, "%s: no such key \"%s\"%s%s%s", shown, key, meant ? "; did you mean " : "",
                           meant ? meant : "", meant ? "?" : "");
        return;
    }
    if (seen[index] && set->specs[index].kind != OPTION_KIND_LIST) {
        option_set_problem(set, "%s: %s is set in line %d already", shown, key, seen[index]);
        return;
    }
    seen[index] = line;
    option_set_value(set, index, shown, value, (struct option_origin){.rank = OPTION_FILE, .line = line});
}

void option_set_file(struct option_set *set, const char *path)
{
    FILE *file = fopen(path, "re");
    int *seen = calloc(set->count, sizeof *seen);
    char line[LINE_SIZE];
    int number = 0;

    if (!file || !seen)
        option_set_problem(set, "%s: %s", path, strerror(errno));
    while (file && seen && fgets(line, sizeof line, file)) {
        number++;
        if (!strchr(line, '\n') && !feof(file)) {
            option_set_problem(set, "%s:%d: longer than %d bytes, or not text", path, number, LINE_SIZE - 2);
            break;
        }
        set_line(set, path, number, line, seen);
    }
    if (file && ferror(file))
        option_set_problem(set, "%s: cannot be read: %s", path, strerror(errno));
    free(seen);
    if (file)
        fclose(file);
}
