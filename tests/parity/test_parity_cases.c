/*
 * test_parity_cases.c - the engine against the reference libraries, case by case.
 *
 *   test_parity_cases [FIXTURE_FOLDER...]    without any: all of tests/parity/fixtures
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define THREADS 2

static int failures;

static void report(bool passed, const char *fixture, const char *name, const char *detail)
{
    printf("# %s\n%s %s/%s\n", detail, passed ? "ok" : "not ok", fixture, name);
    failures += !passed;
}

static void run_fixture(const char *dir)
{
    const char *name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
    struct ltd_model *model = NULL;
    struct fixture f;
    struct ltd_error err;
    char detail[600];

    if (fixture_open(&f, dir, THREADS, &err) != LTD_OK) {
        report(false, name, "open", err.message);
        return;
    }
    if (fixture_open_model(&f, &model, &err) != LTD_OK)
        report(false, name, "model", err.message);
    else
        for (const struct ltd_json *c = ltd_json_first(fixture_cases(&f)); c; c = ltd_json_next(c))
            report(case_passes(&f, c, model, detail, sizeof detail), name, case_text(c, "name"), detail);
    ltd_model_close(model);
    fixture_close(&f);
}

static int is_fixture(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "samplers") != 0 &&
           strcmp(entry->d_name, "tokens") != 0;
}

static void run_all(const char *root)
{
    struct dirent **entries = NULL;
    const int count = scandir(root, &entries, is_fixture, alphasort);
    char dir[1024];

    if (count <= 0)
        report(false, root, "fixtures", "there are none");
    for (int i = 0; i < count; i++) {
        snprintf(dir, sizeof dir, "%s/%s", root, entries[i]->d_name);
        run_fixture(dir);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2)
        run_all("tests/parity/fixtures");
    for (int i = 1; i < argc; i++)
        run_fixture(argv[i]);
    return failures > 0;
}
