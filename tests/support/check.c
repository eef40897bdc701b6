/* check.c - runs the registered tests of one executable. */
#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static struct check_test *tests;
static int failures_in_test;
static bool skipped;

void check_register(struct check_test *test)
{
    struct check_test **at = &tests;

    while (*at)
        at = &(*at)->next;
    *at = test;
}

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list args;

    if (failures_in_test++ >= 20)
        return;
    printf("# %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

void check_skip(const char *format, ...)
{
    va_list args;

    skipped = true;
    printf("# skip: ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

void check_near(const char *file, int line, const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        check_failed(file, line, "%s is %.9g, not %.9g (+-%.3g)", what, got, want, tolerance);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    int ran = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct check_test *t = tests; t; t = t->next) {
        if (!wanted(t->name, argc, argv))
            continue;
        failures_in_test = 0;
        skipped = false;
        t->run();
        ran++;
        if (failures_in_test > 0)
            failed++;
        printf("%s %s\n", failures_in_test > 0 ? "not ok" : skipped ? "skip" : "ok", t->name);
    }
    if (ran == 0)
        printf("# no test has that name\n");
    return failed > 0 || ran == 0;
}
