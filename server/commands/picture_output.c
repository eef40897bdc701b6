#include "commands/picture_output.h"

#include "util/exit_code.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static int find_ending(const char *ending)
{
    for (int i = 0; i < LTD_PICTURE_FORMAT_COUNT; i++)
        if (strcasecmp(ltd_picture_format_ending((enum ltd_picture_format)i), ending) == 0)
            return i;
    return -1;
}

struct ltd_picture_form picture_output_form(const char *output, int quality, bool lossless)
{
    const char *slash = strrchr(output, '/'), *dot = strrchr(slash ? slash : output, '.');
    const int found = !dot ? -1 : strcasecmp(dot, ".jpeg") == 0 ? LTD_PICTURE_JPEG : find_ending(dot + 1);

    return (struct ltd_picture_form){found < 0 ? LTD_PICTURE_PNG : (enum ltd_picture_format)found, quality,
                                     lossless};
}

void picture_output_check_form(struct option_set *set, const struct ltd_picture_form *form, bool has_quality)
{
    if (has_quality &&
        (form->format == LTD_PICTURE_PNG || (form->format == LTD_PICTURE_WEBP && form->lossless)))
        option_set_problem(set, "--quality: only with an --output in .jpg or .webp that loses something");
    if (form->lossless && form->format != LTD_PICTURE_WEBP)
        option_set_problem(set, "--lossless: only with an --output in .webp");
}

void picture_output_check(struct option_set *set, const char *output)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(output, '/');
    struct stat st;
    int refused;

    if (strcmp(output, "-") == 0)
        return;
    if (*output == '\0' || strlen(output) + 16 > sizeof folder) {
        option_set_problem(set, "--output: the name is %s", *output ? "too long" : "empty");
        return;
    }
    if (stat(output, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            option_set_problem(set, "--output: %s is a folder", output);
        refused = access(output, W_OK);
    } else {
        snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - output) + 1 : 1, slash ? output : ".");
        refused = access(folder, W_OK | X_OK);
    }
    if (refused)
        option_set_problem(set, "--output: %s cannot be written: %s", output, strerror(errno));
}

int picture_output_write(const char *name, const struct ltd_bytes *bytes)
{
    FILE *file = strcmp(name, "-") == 0 ? stdout : fopen(name, "wbe");
    bool written = file && fwrite(bytes->data, 1, bytes->size, file) == bytes->size && fflush(file) == 0;

    if (file && file != stdout)
        written = fclose(file) == 0 && written;
    if (!written) {
        fprintf(stderr, "latentd: %s: ", name);
        perror("cannot be written");
    }
    return written ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}
