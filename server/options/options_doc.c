#include "options/options.h"

#include <string.h>

enum { WIDTH = 100 };

/* Writes text in lines of at most WIDTH bytes, each with prefix before it; the last line is left open. */
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    size_t column = strlen(prefix);

    fputs(prefix, out);
    while (*text) {
        const size_t word = strcspn(text, " ");

        if (column + word > WIDTH) {
            fprintf(out, "\n%s", prefix);
            column = strlen(prefix);
        }
        fwrite(text, 1, word, out);
        column += word + 1;
        text += word;
        text += strspn(text, " ");
        if (*text && column + strcspn(text, " ") <= WIDTH)
            fputc(' ', out);
    }
}

void option_print_help(FILE *out, const struct option_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs("  ", out);
        option_print_flag(out, specs[i].key);
        if (specs[i].kind != OPTION_KIND_FLAG)
            fprintf(out, " %s", specs[i].value);
        fputc('\n', out);
        print_wrapped(out, "        ", specs[i].help);
        option_print_bounds(out, &specs[i]);
        fputc('\n', out);
    }
}

void options_print_help(FILE *out)
{
    fputs(
        "latentd " LATENTD_VERSION ", Stable Diffusion over HTTP\n"
        "\n"
        "  latentd [serve] [flags]          the daemon\n"
        "  latentd generate --prompt P --output x.png [flags]\n"
        "                                   a picture, without a daemon (latentd generate --help)\n"
        "  latentd inspect PATH [--json]    what a model is made of\n"
        "  latentd bench [flags]            how fast a model is here, part by part (latentd bench --help)\n"
        "\n"
        "A flag --queue-limit is also the variable LATENTD_QUEUE_LIMIT of the environment, where the values\n"
        "of a repeated flag are separated by commas, and the key queue_limit of the file that --config names.\n"
        "A flag comes before the environment, that before the file, and the file before the default.\n"
        "\n"
        "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 a model cannot be loaded.\n"
        "\n"
        "Flags of the daemon:\n",
        out);
    option_print_help(out, options_specs, OPTIONS_COUNT);
}

static void print_origin(FILE *out, const struct option_spec *spec, const struct option_origin *origin,
                         const char *config)
{
    switch (origin->rank) {
    case OPTION_DEFAULT:
        fputs("# default\n", out);
        break;
    case OPTION_FILE:
        fprintf(out, "# %s:%d\n", config, origin->line);
        break;
    case OPTION_ENVIRONMENT:
        fputs("# environment LATENTD_", out);
        for (const char *c = spec->key; *c; c++)
            fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
        fputc('\n', out);
        break;
    case OPTION_FLAG:
        fputs("# flag ", out);
        option_print_flag(out, spec->key);
        fputc('\n', out);
        break;
    }
}

void options_print_config(FILE *out, const struct options *options)
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_spec *spec = &options_specs[i];
        size_t items = 1;

        if (spec->place > OPTION_ANYWHERE)
            continue;
        if (spec->kind == OPTION_KIND_LIST)
            items = ((const struct option_list *)((const char *)options + spec->offset))->count;
        print_origin(out, spec, &options->origins[i], options->config);
        if (items == 0)
            fprintf(out, "# %s =\n", spec->key);
        else if (spec->place == OPTION_SECRET)
            fprintf(out, "# %s is set, and not shown\n", spec->key);
        for (size_t item = 0; item < items && spec->place != OPTION_SECRET; item++) {
            fprintf(out, "%s = ", spec->key);
            option_print_value(out, spec, options, item);
            fputc('\n', out);
        }
    }
}

void options_print_default_config(FILE *out)
{
    fputs("# Configuration of latentd; `latentd --print-default-config` printed it.\n"
          "# Read with --config FILE or LATENTD_CONFIG.  Flags and the environment come before it.\n",
          out);
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_spec *spec = &options_specs[i];

        if (spec->place > OPTION_ANYWHERE)
            continue;
        fputc('\n', out);
        print_wrapped(out, "# ", spec->help);
        option_print_bounds(out, spec);
        const char *value = spec->kind == OPTION_KIND_LIST ? spec->value : spec->standard;

        fprintf(out, "\n#%s =%s%s\n", spec->key, *value ? " " : "", value);
    }
}
