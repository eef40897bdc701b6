#include "commands/commands.h"

#include "util/exit_code.h"

#include <latentd/model.h>

#include <stdlib.h>
#include <string.h>

static bool is_plain(const struct ltd_json *value)
{
    return ltd_json_type(value) != LTD_JSON_ARRAY && ltd_json_type(value) != LTD_JSON_OBJECT;
}

static void print_plain(const struct ltd_json *value)
{
    char *text;

    if (ltd_json_type(value) == LTD_JSON_STRING) {
        /* Names come from a stranger's file: none may steer the terminal. */
        for (const char *c = ltd_json_string(value); *c; c++)
            putchar((unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c);
        return;
    }
    text = ltd_json_print(value, false);
    fputs(text ? text : "?", stdout);
    free(text);
}

/* Whether value is an array without arrays or objects in it. */
static bool is_row(const struct ltd_json *value)
{
    if (ltd_json_type(value) != LTD_JSON_ARRAY)
        return false;
    for (const struct ltd_json *item = ltd_json_first(value); item; item = ltd_json_next(item))
        if (!is_plain(item))
            return false;
    return true;
}

/* [320, 4, 3, 3] as 320x4x3x3, anything else as a, b, c. */
static void print_row(const struct ltd_json *row)
{
    const char *between = ", ";

    for (const struct ltd_json *item = ltd_json_first(row); item; item = ltd_json_next(item)) {
        if (item == ltd_json_first(row) && ltd_json_type(item) == LTD_JSON_NUMBER)
            between = "x";
        if (item != ltd_json_first(row))
            fputs(between, stdout);
        print_plain(item);
    }
}

static void print_value(const struct ltd_json *value)
{
    if (is_plain(value))
        print_plain(value);
    else
        print_row(value);
}

static void print_outline(const struct ltd_json *value, int indent);

/* An item of an array: the values of a flat object on one line, else the value of its first member (its
 * name), and all of it below. */
static void print_item(const struct ltd_json *item, int indent)
{
    bool flat = true;

    if (is_plain(item)) {
        print_plain(item);
        fputc('\n', stdout);
        return;
    }
    for (const struct ltd_json *member = ltd_json_first(item); member; member = ltd_json_next(member))
        flat = flat && (is_plain(member) || is_row(member));
    for (const struct ltd_json *member = ltd_json_first(item); member; member = ltd_json_next(member)) {
        print_value(member);
        if (!flat)
            break;
        fputs(ltd_json_next(member) ? "  " : "", stdout);
    }
    fputc('\n', stdout);
    if (!flat)
        print_outline(item, indent + 2);
}

static void print_outline(const struct ltd_json *value, int indent)
{
    for (const struct ltd_json *member = ltd_json_first(value); member; member = ltd_json_next(member)) {
        printf("%*s", indent, "");
        if (ltd_json_type(value) == LTD_JSON_ARRAY) {
            print_item(member, indent);
            continue;
        }
        printf("%s:", ltd_json_key(member));
        if (is_plain(member) ||
            (is_row(member) && ltd_json_type(ltd_json_first(member)) == LTD_JSON_NUMBER)) {
            fputc(' ', stdout);
            print_value(member);
            fputc('\n', stdout);
        } else if (ltd_json_size(member) == 0) {
            fputs(" none\n", stdout);
        } else {
            fputc('\n', stdout);
            print_outline(member, indent + 2);
        }
    }
}

static int print_report(const struct ltd_json *report, bool as_json)
{
    char *text;

    if (as_json) {
        text = ltd_json_print(report, true);
        if (!text) {
            fputs("latentd: no memory for the report\n", stderr);
            return EXIT_CODE_FAILED;
        }
        puts(text);
        free(text);
    } else {
        print_outline(report, 0);
    }
    return ltd_json_get(report, "error") ? EXIT_CODE_MODEL : EXIT_CODE_DONE;
}

int cmd_inspect(int argc, const char *const *argv)
{
    const char *path = NULL, *vae = NULL;
    bool as_json = false;
    struct ltd_json *report;
    struct ltd_error err;
    int code;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            puts(
                "latentd inspect PATH [--vae PATH] [--json]\n\nTells what the model folder, or .safetensors or .gguf file, at PATH holds, with\nthe VAE at --vae in place of its own.");
            return EXIT_CODE_DONE;
        }
        if (strcmp(argv[i], "--json") == 0) {
            as_json = true;
        } else if (strcmp(argv[i], "--vae") == 0 && i + 1 < argc && !vae) {
            vae = argv[++i];
        } else if (argv[i][0] == '-' || path) {
            fprintf(stderr, "%s: latentd inspect takes PATH, --vae PATH and --json\n", argv[i]);
            return EXIT_CODE_USAGE;
        } else {
            path = argv[i];
        }
    }
    if (!path) {
        fputs("latentd inspect wants a PATH\n", stderr);
        return EXIT_CODE_USAGE;
    }
    if (ltd_model_inspect(path, vae, &report, &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_MODEL;
    }
    code = print_report(report, as_json);
    ltd_json_free(report);
    return code;
}
