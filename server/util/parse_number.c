#include "util/parse_number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_int64(const char *text, int64_t *out)
{
    char *end;
    long long number;

    if (!is_digit(text[text[0] == '-']))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *out = number;
    return true;
}

/* The digits text starts with; *end is what follows them. */
static bool take_digits(const char *text, uint64_t *out, const char **end)
{
    uint64_t number = 0;

    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
            return false;
    *out = number;
    *end = text;
    return true;
}

bool parse_uint64(const char *text, uint64_t *out)
{
    const char *end;
    uint64_t number;

    if (!take_digits(text, &number, &end) || *end != '\0')
        return false;
    *out = number;
    return true;
}

bool parse_real(const char *text, double *out)
{
    char *end;
    double number;

    /* strtod also takes spaces, hexadecimal, "inf" and "nan". */
    if (text[strspn(text, "+-.0123456789eE")] != '\0' || text[0] == '+')
        return false;
    number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *out = number;
    return true;
}

bool parse_size(const char *text, size_t *out)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    const char *end;
    uint64_t number;

    if (!take_digits(text, &number, &end))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].suffix) == 0 && number <= SIZE_MAX >> units[i].shift) {
            *out = (size_t)number << units[i].shift;
            return true;
        }
    return false;
}
