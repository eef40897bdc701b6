/*
 * test_parity_cases.c - the engine against the reference libraries, case by case.
 *
 *   test_parity_cases [--every N] [FIXTURE_FOLDER...]    without any folder: all of tests/parity/fixtures
 *
 * --every runs, of the cases of a kind in a fixture, the first and each Nth after it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define THREADS 2

static int failures;
static int every = 1;

static void report(bool passed, const char *fixture, const char *name, const char *detail)
{
    printf("# %s\n%s %s/%s\n", detail, passed ? "ok" : "not ok", fixture, name);
    failures += !passed;
}

/* How many cases of its kind a fixture has before this one. */
static int number_in_kind(const struct fixture *f, const struct ltd_json *which)
{
    int number = 0;

    for (const struct ltd_json *c = ltd_json_first(fixture_cases(f)); c != which; c = ltd_json_next(c))
        number += strcmp(case_text(c, "kind"), case_text(which, "kind")) == 0;
    return number;
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
            if (number_in_kind(&f, c) % every == 0)
                report(case_passes(&f, c, model, detail, sizeof detail), name, case_text(c, "name"), detail);
    ltd_model_close(model);
    fixture_close(&f);
}

static int is_fixture(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "samplers") != 0 &&
           strcmp(entry->d_name, "tokens") != 0 && strcmp(entry->d_name, "upscale") != 0;
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
    int first = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2 && strcmp(argv[1], "--every") == 0) {
        every = atoi(argv[2]);
        if (every < 1) {
            fprintf(stderr, "--every needs a number from 1\n");
            return 2;
        }
        first = 3;
    }
    if (argc == first)
        run_all("tests/parity/fixtures");
    for (int i = first; i < argc; i++)
        run_fixture(argv[i]);
    return failures > 0;
}
