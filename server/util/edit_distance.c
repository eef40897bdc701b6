#include "util/edit_distance.h"

#include <string.h>

enum { LONGEST = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b)
{
    const size_t rows = strnlen(a, LONGEST), columns = strnlen(b, LONGEST);
    size_t table[3][LONGEST + 1]; /* rows i - 2, i - 1 and i, each at its number modulo 3 */

    for (size_t j = 0; j <= columns; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *now = table[i % 3];
        const size_t *before = table[(i + 2) % 3], *two_before = table[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            now[j] = smaller(before[j - 1] + (a[i - 1] != b[j - 1]), smaller(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], two_before[j - 2] + 1);
        }
    }
    return table[rows % 3][columns];
}

bool edit_distance_is_near(const char *typed, const char *candidate)
{
    return edit_distance(typed, candidate) * 3 <= strlen(candidate) + 1;
}
