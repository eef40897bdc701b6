/*
 * check.h - the unit tests' few words.
 *
 * TEST(name) { ... } defines and registers a test; check.c has main(), which runs all of them, or those whose
 * name contains one of the arguments, and prints one line a test: "ok NAME", "not ok NAME" or "skip NAME:
 * reason". A failed CHECK says where and what, and the test goes on; REQUIRE leaves the test.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "relative_error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct check_test {
    const char *name;
    void (*run)(void);
    struct check_test *next;
};

void check_register(struct check_test *test);
/* Records a failure of the running test. */
void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Marks the running test as skipped; return from it afterwards. */
void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check_near(const char *file, int line, const char *what, double got, double want, double tolerance);
/* |got - want| / |want| over n floats, both norms Euclidean, in double; infinite when a value is not finite.
 */
double check_relative_error(const float *got, const float *want, size_t n);

#define TEST(name)                                                  \
    static void test_##name(void);                                  \
    __attribute__((constructor)) static void register_##name(void)  \
    {                                                               \
        static struct check_test test = {#name, test_##name, NULL}; \
        check_register(&test);                                      \
    }                                                               \
    static void test_##name(void)

#define CHECK(condition)                                        \
    do {                                                        \
        if (!(condition))                                       \
            check_failed(__FILE__, __LINE__, "%s", #condition); \
    } while (0)
#define REQUIRE(condition)                                      \
    do {                                                        \
        if (!(condition)) {                                     \
            check_failed(__FILE__, __LINE__, "%s", #condition); \
            return;                                             \
        }                                                       \
    } while (0)
#define CHECK_INT(got, want)                                                             \
    do {                                                                                 \
        long long got_ = (long long)(got), want_ = (long long)(want);                    \
        if (got_ != want_)                                                               \
            check_failed(__FILE__, __LINE__, "%s is %lld, not %lld", #got, got_, want_); \
    } while (0)
#define CHECK_STR(got, want)                                                                           \
    do {                                                                                               \
        const char *got_ = (got), *want_ = (want);                                                     \
        if (!got_ || !want_ || strcmp(got_, want_) != 0)                                               \
            check_failed(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)", \
                         want_ ? want_ : "(null)");                                                    \
    } while (0)
#define CHECK_NEAR(got, want, tolerance) \
    check_near(__FILE__, __LINE__, #got, (double)(got), (double)(want), (double)(tolerance))

#endif
